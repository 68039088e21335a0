# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by the other scripts: builds the project if necessary, then runs a
# Python program in the development environment.

setup_options=()

run_python() {
  local here program option
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  program=$here/$1
  shift
  for option; do
    if [[ $option == -h || $option == --help ]] && type -P python3 > /dev/null
    then
      exec python3 "$program" "$@"
    fi
  done
  "$here/../setup.sh" "${setup_options[@]}" || exit
  exec meson devenv -C "$here/../build" --workdir "$PWD" "$program" "$@"
}
