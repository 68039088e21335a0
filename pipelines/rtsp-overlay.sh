#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-overlay.sh draws the classes on a camera's video; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python rtsp.py overlay "$@"
