#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# archive.sh segments recordings, on one machine or many; see --help.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python archive/archive.py "$@"
