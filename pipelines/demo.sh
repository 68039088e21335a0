#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh segments a video and draws the classes on it; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2034 # for lib.sh: the included clip needs few packages
  setup_options=(--demo)
fi
run_python demo.py "$@"
