#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments recordings, on one machine or many."""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from failures import Failure  # noqa: E402

NEEDED = "python3-distributed python3-cryptography"


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="archive.sh", description=__doc__,
        epilog="Ctrl-C stops. Run the same command again to continue: it does "
               "only what is missing or has changed.")
    parser.add_argument("input", nargs="+", metavar="INPUT",
                        help="file, folder, pattern, http:// address, or @FILE "
                             "that lists these, one per line")
    parser.add_argument("--out", required=True, metavar="DIR",
                        type=pathlib.Path, help="folder of the results")
    parser.add_argument("--masks", action="store_true",
                        help="also write the masks as lossless grey video")
    parser.add_argument("--report", action="store_true",
                        help="also write DIR/report.html: classes over time")
    parser.add_argument("--scheduler", metavar="tcp://HOST:8786",
                        help="use the workers of this Dask scheduler (default: "
                             "workers on this machine)")
    parser.add_argument("--workers", type=int, default=0, metavar="N",
                        help="workers on this machine (default: one per core)")
    parser.add_argument("--threads", type=int, default=1, metavar="N",
                        help="threads of each worker's network (default: 1)")
    parser.add_argument("--piece", type=float, default=120, metavar="SECONDS",
                        help="minimum length of the pieces that recordings are "
                             "cut into; 0: do not cut (default: 120)")
    parser.add_argument("--backend", choices=("auto", "cuda", "cpu"),
                        default="auto", help="where the network runs")
    parser.add_argument("--model", metavar="FILE",
                        help="model to use (safetensors)")
    parser.add_argument("--fastscnn", default="", metavar="PROPERTIES",
                        help="of the element fastscnn, such as 'interval=4'")
    parser.add_argument("--json", default="", metavar="PROPERTIES",
                        help="of the element classmaskjson, such as "
                             "'regions=true'")
    options = parser.parse_args()
    if options.scheduler and options.workers:
        parser.error("--workers is for this machine, not for --scheduler")
    if options.piece < 0 or options.workers < 0 or options.threads < 1:
        parser.error("a number is too small")
    return options


def main():
    options = parse_arguments()
    # Errors are reported once, in a sentence of our own.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    try:
        import gi
        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
        from gi.repository import Gst
        Gst.init(None)
        import distributed  # noqa: F401
    except (ImportError, ValueError) as error:
        raise Failure(f"{error}; install python3-gst-1.0 "
                      f"gir1.2-gst-plugins-base-1.0 {NEEDED}") from error
    from batch import run
    return run(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\narchive.sh: stopped; the same command continues",
              file=sys.stderr)
        sys.exit(130)
    except (Failure, OSError) as failure:
        sys.exit(f"archive.sh: {failure}")
