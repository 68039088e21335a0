#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the results in Meson's test logs (JSON): subtests of programs that print
TAP, and other programs. Lists the failed and skipped ones, prints the sums, and
exits with 1 if any failed."""

import json
import re
import sys

TAP_LINE = re.compile(r"(not )?ok\b[ \d]*(?:- )?(.*)")
SKIP = re.compile(r"#\s*skip\b", re.IGNORECASE)


def results(test):
    """Yields ("passed" | "failed" | "skipped", name) for one program."""
    program = test["name"]
    lines = [TAP_LINE.match(line) for line in test["stdout"].splitlines()]
    lines = [line for line in lines if line]
    failed = False
    for line in lines:
        name = f"{program}: {line[2]}"
        if line[1]:
            failed = True
            yield "failed", name
        elif SKIP.search(line[2]):
            yield "skipped", name
        else:
            yield "passed", name
    if test["result"] in ("OK", "EXPECTEDFAIL", "SKIP"):
        if not lines:
            yield "skipped" if test["result"] == "SKIP" else "passed", program
    elif not failed:
        yield "failed", f"{program} ({test['result'].lower()})"


def main(paths):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as log:
                tests = [json.loads(line) for line in log]
        except FileNotFoundError:
            print(f"FAILED: no tests were run for {path}")
            count["failed"] += 1
            continue
        for test in tests:
            for result, name in results(test):
                count[result] += 1
                if result != "passed":
                    print(f"{result.upper()}: {name}")
    print(", ".join(f"{number} {result}" for result, number in count.items()))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
