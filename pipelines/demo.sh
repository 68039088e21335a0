#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh segments a video and draws the classes on it; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python demo.py "$@"
