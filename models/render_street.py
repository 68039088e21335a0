#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renders drives along made-up streets, with the class of every pixel.

--clip FILE.mp4 renders the clip that ships, and its masks to FILE-masks.mkv
(FFV1, GRAY8, lossless). --frames N --out DIR renders training frames of other
streets into DIR/images and DIR/labels.
The classes are those of CamVid, in the order of camvid.toml.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from street.view import render
from street.world import Street

SIZE = (640, 360)
FPS = 25
SECONDS = 9
SPEED = 8.4  # metres a second
# Training streets have a pair of numbers as their seed, so none is this street.
CLIP_SEED = 2026
FRAMES_PER_STREET = 4


def clip_frames():
    street = Street(CLIP_SEED, SPEED * SECONDS, light="sunny", left_hand=False)
    for i in range(SECONDS * FPS):
        time = i / FPS
        yield render(street, SIZE, SPEED * time, time)


class Writer:
    """A GStreamer pipeline that encodes the raw frames written to it."""

    def __init__(self, form, encode, path):
        width, height = SIZE
        self.process = subprocess.Popen(
            ["gst-launch-1.0", "-q", "fdsrc", "!", "rawvideoparse",
             f"width={width}", f"height={height}", f"format={form}",
             f"framerate={FPS}/1", "!", *encode.split(), "!", "filesink",
             f"location={path}"], stdin=subprocess.PIPE)

    def write(self, image):
        self.process.stdin.write(image.tobytes())

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("render_street.py: encoding failed")


def render_clip(path):
    # One thread, because with more of them x264's output depends on timing.
    picture = Writer("rgb", "videoconvert ! video/x-raw,format=I420 ! x264enc "
                     "pass=quant quantizer=23 speed-preset=slow threads=1 "
                     "key-int-max=50 ! video/x-h264,profile=high ! h264parse ! "
                     "mp4mux faststart=true", path)
    classes = Writer("gray8", "avenc_ffv1 ! matroskamux",
                     path.with_name(path.stem + "-masks.mkv"))
    for i, (image, mask) in enumerate(clip_frames(), 1):
        picture.write(image)
        classes.write(mask)
        show_progress(i, SECONDS * FPS)
    picture.close()
    classes.close()


def render_frames(count, out, seed):
    for name in ("images", "labels"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        number, view = divmod(i, FRAMES_PER_STREET)
        if view == 0:
            # Many pedestrians cross, or the model would take all people on the road
            # for cyclists.
            street = Street((seed, number), 300, crossing=12)
        rng = np.random.default_rng((seed, number, view))
        image, mask = render(street, SIZE, rng.uniform(0, 300), rng.uniform(0, 8))
        name = f"street_{seed}_{i:05}"
        image.save(out / "images" / f"{name}.jpg", quality=int(rng.integers(70, 96)))
        mask.save(out / "labels" / f"{name}.png")
        show_progress(i + 1, count)


def show_progress(done, total):
    if sys.stderr.isatty():
        print(f"\r{done}/{total} ", end="", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--clip", type=Path, metavar="FILE.mp4")
    what.add_argument("--frames", type=int, metavar="N")
    parser.add_argument("--out", type=Path, help="folder for --frames")
    parser.add_argument("--seed", type=int, default=1, help="for --frames")
    args = parser.parse_args()
    if args.clip:
        render_clip(args.clip)
    elif args.out:
        render_frames(args.frames, args.out, args.seed)
    else:
        parser.error("--frames needs --out")


if __name__ == "__main__":
    main()
