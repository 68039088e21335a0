#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh [INPUT] [OUTPUT]: segments a video; demo.sh --help says more.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
run_python demo.py "$@"
