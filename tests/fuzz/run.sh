#!/usr/bin/env bash
# Runs one fuzz target for FUZZ_SECONDS (default 20) on top of its seeds; what it finds out stays in
# the build folder. The same seed each time (FUZZ_SEED=0: a random one), so that a gate fails for
# what changed; an input that breaks it is printed, ready to become a file of the corpus.
#
#   run.sh PROGRAM NAME MAX_LEN GENERATED_SEEDS
set -euo pipefail
program=$1 name=$2 max_len=$3 generated=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=32  # Freed memory does not count as ours.
found=$(dirname "$generated")/found/$name
mkdir -p "$found" "$generated/$name"
options=(-seed="${FUZZ_SEED:-1}" -max_total_time="${FUZZ_SECONDS:-20}" -max_len="$max_len" -timeout=10 -rss_limit_mb=512
         -print_final_stats=1 -verbosity=0 -artifact_prefix="$found-")
# Words of the commands, written by `reprise-server --dump`.
[[ $name =~ ^(frames|arguments)$ && -f $here/commands.dict ]] && options+=(-dict="$here/commands.dict")
corpora=("$found" "$generated/$name")
[[ -d $here/corpus/$name ]] && corpora+=("$here/corpus/$name")
if ! "$program" "${options[@]}" "${corpora[@]}" 2>"$found.log"; then
  tail -60 "$found.log" >&2
  echo "fuzz $name: reproduce with $program FILE; then add FILE to tests/fuzz/corpus/$name" >&2
  exit 1
fi
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log")
rss=$(sed -n 's/^stat::peak_rss_mb: *//p' "$found.log")
echo "fuzz target=$name execs=$runs corpus=$(find "$found" -type f | wc -l) peak_rss_mib=$rss findings=0"
