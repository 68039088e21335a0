#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-events.sh writes what a camera sees as JSON lines; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python rtsp.py events "$@"
