#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds activation scales to a model file, so that CPUs can run it in 8 bits.

IMAGES is a folder of frames like those that the model will see; training frames
are fine. Two sets of ranges are compared: the 99.99th percentile for every layer, and
the percentile with the least error of the logits for each layer alone. The one that
changes fewer classes is written. Nothing else in the file changes.

With --labels, it also measures the element: mean IoU in fp32 and in int8, and the
share of equal pixels. That needs the plugin: run it in the development
environment (meson devenv -C build) or install the plugin.
"""

import argparse
import json
import sys
from pathlib import Path

try:  # before NumPy, for the reason given in evaluate.py
    import evaluate
except (ImportError, ValueError) as missing:
    evaluate, MISSING = None, missing

import numpy as np

import modelfile
import scales
from imagefiles import DataError, pairs, read_pair


class CalibrateError(Exception):
    """Why a model could not be calibrated."""


def measure(model, images, labels):
    """Mean IoU of the element in fp32 and int8, and the share of equal pixels."""
    evaluate.Gst.init(None)
    found = {"fp32": evaluate.Evaluation(), "int8": evaluate.Evaluation()}
    equal = pixels = 0
    segmenters = {precision: evaluate.Segmenter(str(model), "cpu", None, precision)
                  for precision in found}
    try:
        for path, label in pairs(images, labels):
            image, truth = read_pair(path, label)
            masks = []
            for precision, segment in segmenters.items():
                masks.append(segment(image))
                found[precision].add(path, np.array(truth), masks[-1])
            same = masks[0].array == masks[1].array
            equal += int(same.sum())
            pixels += same.size
            scales.show(f"{pixels / 1e6:.1f} million pixels")
    finally:
        for segment in segmenters.values():
            segment.close()
    return {precision: evaluation.summary()["miou"]
            for precision, evaluation in found.items()} | {
                "equal": round(equal / pixels, 5)}


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", help="model file; it is replaced unless --out is given")
    add("images", type=Path, help="folder of frames")
    add("--out", metavar="FILE", help="file to write")
    add("--count", type=int, default=scales.IMAGES,
        help="number of frames to use, evenly spread (default: %(default)s)")
    add("--labels", type=Path, metavar="DIR",
        help="label PNGs of the frames of --measure: also measure the element")
    add("--measure", type=Path, metavar="DIR",
        help="frames to measure with (default: IMAGES)")
    args = parser.parse_args()
    if args.count < 1:
        parser.error("--count: must be 1 or more")
    return args


def main():
    args = parse_args()
    try:
        if args.labels and evaluate is None:
            raise CalibrateError(f"--labels needs the plugin: {MISSING}")
        modelfile.load(args.model)  # reports what is wrong with it
        images = scales.read_images(args.images, args.count)
        output = args.out or args.model
        scales.write(output, *modelfile.read_safetensors(args.model), images)
        if args.labels:
            print(json.dumps(measure(output, args.measure or args.images, args.labels)))
    except (CalibrateError, DataError, modelfile.ModelFileError, OSError) as error:
        sys.exit(f"calibrate.py: {error}")
    except Exception as error:
        if evaluate is None or not isinstance(error, evaluate.EvaluateError):
            raise
        sys.exit(f"calibrate.py: {error}")


if __name__ == "__main__":
    main()
