#!/usr/bin/env bash
# Installs what conf/debian-packages.txt names and this machine lacks. Safe to repeat: when nothing
# is missing it takes a fraction of a second and touches neither apt nor the network.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=$here/debian-packages.txt

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# Packages of the list that are not there, one a line.
missing_packages() {
  local installed package command
  installed=" $(dpkg-query -W -f '${db:Status-Status}=${Package}\n' | sed -n 's/^installed=//p' | tr '\n' ' ') "
  while read -r package equals command; do
    [[ $installed == *" $package "* ]] && continue
    [[ $equals == '=' ]] && "$command" --version >/dev/null 2>&1 && continue
    printf '%s\n' "$package"
  done < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list")
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi
}

# redis-server and memcached would start on installation: a policy that forbids it stands for as
# long as the installation lasts. One that is there already is the administrator's and stays.
forbid_services() {
  local policy=/usr/sbin/policy-rc.d
  [[ -e $policy ]] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  trap "as_root rm -f $policy" EXIT
}

install_packages() {
  local log
  log=$(mktemp)
  say "installing: $*"
  forbid_services
  local apt=(as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0
             -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    fail "apt-get could not install the packages above; its output stands before this line"
  fi
  rm -f "$log"
}

command -v dpkg-query >/dev/null || fail "this is no Debian system; install by hand what $list names"
mapfile -t missing < <(missing_packages)
if ((${#missing[@]} > 0)); then
  if [[ $(id -u) != 0 ]] && ! sudo -n true 2>/dev/null; then
    fail "missing: ${missing[*]}. Run as root, or: sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
  install_packages "${missing[@]}"
fi
"$here/models.sh"  # What it cannot fetch it warns of.
