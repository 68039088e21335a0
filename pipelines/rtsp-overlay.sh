#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-overlay.sh: a camera's video with its classes drawn on it; --help says more.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python rtsp.py overlay "$@"
