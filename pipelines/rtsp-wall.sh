#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-wall.sh: up to 16 cameras in one mosaic; --help says more.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python rtsp.py wall "$@"
