#!/usr/bin/env bash
# The story of `make run`: a server, the sample questions, a kill -9, the same answers. Afterwards the
# server runs on in the background; the last lines say how to reach it and how to stop it.
#
#   conf/run.sh [--dir DIR] [--port N] [--stop] [--server PROGRAM]
#   --dir   keep the data there, and find it there next time; without it the data is temporary
#   --stop  stop the server at the end
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=python3
[[ -x /usr/bin/python3 ]] && python=/usr/bin/python3 # Debian's, which has python3-msgpack.
exec "$python" -B "$root/conf/samples/story.py" --server "$root/build/release/bin/reprise-server" "$@"
