#!/usr/bin/env bash
# Builds the client in the build directory and runs its tests there; the sources stay untouched.
#
#   REPRISE_BUILD_DIR=build/dev REPRISE_SERVER=build/dev/bin/reprise-server client/node/tests/run.sh [TEST ...]
#
# TEST: names of files in this folder without .test.ts; all when none is given. What npm has to fetch
# is fetched once for each package-lock.json. Without node, or where npm cannot fetch, prints
# "SKIPPED node: reason" and exits 77.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m "${REPRISE_BUILD_DIR:?names the build directory}")
export REPRISE_SERVER=$(realpath -m "${REPRISE_SERVER:-$build/bin/reprise-server}") REPRISE_CLIENT_NODE=$home

skip() { printf 'SKIPPED node: %s\n' "$*"; exit 77; }

command -v node >/dev/null || skip "needs node"
(($(node -p 'process.versions.node.split(".")[0]') >= 18)) || skip "needs node 18 or later, not $(node --version)"

# node_modules by the content of the lock file: two runs never see half an installation.
modules=$build/node-modules-$(cat "$home/package.json" "$home/package-lock.json" | sha256sum | cut -c1-16)
install_modules() {
  command -v npm >/dev/null || skip "needs npm"
  local staging=$modules.$$
  mkdir -p "$staging"
  cp "$home/package.json" "$home/package-lock.json" "$home/.npmrc" "$staging"
  if ! timeout 180 npm ci --prefix "$staging" --ignore-scripts --loglevel=error >"$staging/npm.log" 2>&1; then
    tail -n 5 "$staging/npm.log" >&2
    rm -rf "$staging"
    skip "npm cannot install what package-lock.json names (offline?)"
  fi
  mv -T "$staging" "$modules" 2>/dev/null || rm -rf "$staging" # Another run was faster.
}
[[ -d $modules/node_modules ]] || install_modules

work=$(mktemp -d "$build/node-client.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$home/src" "$home/tests" "$home/examples" "$home/package.json" "$home/tsconfig.json" "$work"
ln -s "$modules/node_modules" "$work/node_modules"
cd "$work"
node node_modules/typescript/bin/tsc -p .

tests=()
for name in "${@:-*}"; do
  tests+=(dist/tests/$name.test.js)
done
node --test --test-reporter=spec "${tests[@]}"
