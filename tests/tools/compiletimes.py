#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compiles every source of a build folder again, one after the other and without
ccache, and lists the processor seconds (user) of each. The objects of the build do
not change."""

import argparse
import collections
import json
import os
import pathlib
import resource
import shlex
import subprocess
import sys
import tempfile


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", metavar="BUILD", type=pathlib.Path)
    parser.add_argument("folders", metavar="FOLDER", nargs="*",
                        help="only sources below these, such as net or tests/cuda")
    parser.add_argument("--slowest", type=int, default=15, metavar="N",
                        help="how many files to list (default: 15)")
    parser.add_argument("--limit", type=float, metavar="SECONDS",
                        help="fail if a file takes longer")
    return parser.parse_args()


def seconds(entry, objects):
    """Returns the processor seconds of the command; its output goes to objects."""
    command = shlex.split(entry["command"])
    for option in ("-o", "-MF"):
        if option in command:
            place = command.index(option) + 1
            command[place] = str(objects / pathlib.Path(command[place]).name)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, cwd=entry["directory"], check=True,
                   stderr=subprocess.DEVNULL,
                   env=dict(os.environ, CCACHE_DISABLE="1"))
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    options = parse_arguments()
    entries = json.loads((options.build / "compile_commands.json").read_text())
    times, folders = [], collections.Counter()
    with tempfile.TemporaryDirectory() as objects:
        for entry in entries:
            source = pathlib.Path(entry["file"].removeprefix("../"))
            if options.folders and not any(
                    source.is_relative_to(f) for f in options.folders):
                continue
            spent = seconds(entry, pathlib.Path(objects))
            times.append((spent, str(source)))
            folders[source.parts[0]] += spent
    times.sort(reverse=True)
    for spent, source in times[:options.slowest]:
        print(f"{spent:7.1f}  {source}")
    print(f"{sum(folders.values()):7.1f}  {len(times)} files: " + ", ".join(
        f"{folder} {spent:.0f}" for folder, spent in folders.most_common()))
    if options.limit and times and times[0][0] > options.limit:
        sys.exit(f"{times[0][1]} takes longer than {options.limit:g} s")


if __name__ == "__main__":
    main()
