#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# archive.sh segments recordings, on as many machines as there are; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python archive/archive.py "$@"
