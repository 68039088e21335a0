#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# web.sh [URL ...]: cameras with their classes on a web page; --help says more.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python web/web.py "$@"
