#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the timestamp of every frame and the share of each class.

    mask_numpy.py street.mp4
    mask_numpy.py rtsp://camera/stream --frames 100

The mask of a frame is a NumPy array here. For shares alone, frame.mask.shares()
needs no NumPy.

Needs Debian's python3-gi and python3-numpy, and python3-gstclassmask-1.0 of this
project (in a build, meson devenv).
"""

import argparse
import itertools
import sys

import gi
gi.require_version("GstClassMask", "1.0")
from gi.repository import GstClassMask  # noqa: E402
import numpy  # noqa: E402


def describe(mask):
    """Returns "road 41.3%, car 5.0%", the largest first."""
    ids, counts = numpy.unique(mask.array, return_counts=True)
    labels = dict(enumerate(mask.labels))
    return ", ".join(
        f"{labels.get(ids[i], 'unknown')} {counts[i] / mask.array.size:.1%}"
        for i in numpy.argsort(-counts))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input", help="file, rtsp://… or another URI")
    parser.add_argument("--frames", type=int, help="stop after this many frames")
    arguments = parser.parse_args()
    try:
        frames = GstClassMask.frames(arguments.input)
        for frame in itertools.islice(frames, arguments.frames):
            if frame.mask:
                print(f"{frame.time or 0:.2f} s: {describe(frame.mask)}",
                      flush=True)
    except GstClassMask.Error as error:
        sys.exit(f"mask_numpy: {error}")
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
