#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rtsp-wall.sh shows up to 16 cameras with their classes in a mosaic; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python rtsp.py wall "$@"
