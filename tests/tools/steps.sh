# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by scripts whose arguments name the steps to run.

# usage: prints the comment at the top of the script.
usage() {
  sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"
}

# run_steps DEFAULTS [STEP...]: calls step_STEP for each; without any, for those
# that DEFAULTS lists.
run_steps() {
  local step defaults=$1
  shift
  if [ $# -eq 0 ]; then
    # shellcheck disable=SC2086 # a list of words
    set -- $defaults
  fi
  for step; do
    if ! declare -F "step_$step" > /dev/null; then
      echo "${0##*/}: there is no step $step" >&2
      usage
      exit 2
    fi
    "step_$step"
  done
}
