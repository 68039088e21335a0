#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds activation scales to a model file, so that processors with byte dot
products compute it in 8 bits.

IMAGES is a folder of frames like those that the model will see; a few of the
training frames are good. Two choices of the ranges are compared by the error of
the logits: the 99.99th percentile of every layer, and the percentile with the
least error, layer by layer. The better one is written. Nothing else in the file
changes.

With --labels, also measures the element: mean IoU in fp32 and in int8, and the
share of equal pixels. That needs the plugin: run it in the development
environment (meson devenv -C build) or installed.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

try:  # before NumPy, see there
    import evaluate
except (ImportError, ValueError) as missing:
    evaluate, MISSING = None, missing

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

import modelfile
from int8 import Int8Network, steps
from pictures import DataError, find_images, pairs, read_image, read_pair

PERCENTILES = (99.9, 99.99, 99.999, 100)
USUAL = 99.99
MULTIPLE = 32  # of the network input's width and height
CHOOSERS = 2  # images by which the layers' percentiles are chosen, of half the size
SMALLEST = 1e-3  # range of a layer that is 0 everywhere


class CalibrateError(Exception):
    """Why a model could not be calibrated."""


def input_size(info, frame):
    """(height, width) of the network input as the element chooses it."""
    aspect = frame[0] / frame[1]
    height = (info.width * info.height / aspect) ** 0.5
    return [max(1, int(n / MULTIPLE + 0.5)) * MULTIPLE
            for n in (height, height * aspect)]


def read_images(paths, info):
    """Bytes (1, 3, height, width) of the size of the network input."""
    for path in paths:
        image = read_image(path)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        yield F.interpolate(pixels, input_size(info, image.size), mode="bilinear",
                            align_corners=False).round()


def normalize(image, info):
    mean, std = (torch.tensor(v).reshape(3, 1, 1) for v in (info.mean, info.std))
    return (image / 255 - mean) / std


class Ranges:
    """The largest magnitudes of every layer's output, over several images."""

    def __init__(self, net, info, images):
        self.layers = modelfile.scaled_layers(net.variant, net.classes)
        self.largest = {layer.name: torch.empty(0) for layer in self.layers}
        self.counts = dict.fromkeys(self.largest, 0)
        self.share = 1 - min(PERCENTILES) / 100
        self.images = len(images)
        hooks = [net.layer(layer.name).register_forward_hook(self._hook(layer.name))
                 for layer in self.layers]
        for image in images:
            net(normalize(image, info))
        for hook in hooks:
            hook.remove()

    def _hook(self, name):
        def take(_module, _inputs, output):
            values = output.abs().flatten()
            self.counts[name] += len(values)
            keep = int(len(values) * self.images * self.share) + 1
            values = values.topk(min(keep, len(values))).values
            values = torch.cat([self.largest[name], values])
            self.largest[name] = values.topk(min(keep, len(values))).values
        return take

    def scale(self, layer, percentile):
        index = int(self.counts[layer.name] * (1 - percentile / 100))
        largest = max(self.largest[layer.name][index].item(), SMALLEST)
        if layer.activation == "relu6":
            largest = min(largest, 6.0)
        scale = float(f"{largest / steps(layer):.6g}")
        return min(max(scale, modelfile.MIN_SCALE), modelfile.MAX_SCALE)

    def scales(self, percentile=USUAL):
        return {layer.name: self.scale(layer, percentile) for layer in self.layers}


class Rounded:
    """A network in floating point, but for the output of one layer."""

    def __init__(self, net, layer, scale):
        self.module = net.layer(layer.name)
        self.scale, self.high = scale, steps(layer)
        self.low = self.high - 255

    def __enter__(self):
        self.hook = self.module.register_forward_hook(
            lambda _module, _inputs, output: self.scale * (
                output / self.scale).round().clamp(self.low, self.high))

    def __exit__(self, *_):
        self.hook.remove()


def least_error(net, info, ranges, images):
    """Scales that round each layer with the least error of the logits."""
    inputs = [normalize(image, info) for image in images]
    exact = [net(image) for image in inputs]

    def error(layer, scale):
        with Rounded(net, layer, scale):
            return sum(F.mse_loss(net(image), logits).item()
                       for image, logits in zip(inputs, exact))

    scales = {}
    for layer in ranges.layers:
        choices = sorted({ranges.scale(layer, percentile) for percentile in PERCENTILES})
        scales[layer.name] = min(choices, key=lambda scale: error(layer, scale))
        show(f"{len(scales)} of {len(ranges.layers)} layers")
    return scales


def compare(net, info, scales, images):
    """(error of the logits in 8 bits relative to their size, share of equal
    points of their grid)."""
    simulated = Int8Network(net, replace(info, activation_scales=scales))
    error = power = equal = points = 0.0
    for number, image in enumerate(images, 1):
        exact, found = net(normalize(image, info)), simulated(image)
        error += (found - exact).square().sum().item()
        power += exact.square().sum().item()
        equal += (found.argmax(1) == exact.argmax(1)).sum().item()
        points += exact[0, 0].numel()
        show(f"{number} of {len(images)} images in 8 bits")
    return (error / power) ** 0.5, equal / points


def show(text):
    if sys.stderr.isatty():
        print(f"\r{text:40}", end="\r", file=sys.stderr, flush=True)


@torch.no_grad()
def calibrate(net, info, images):
    """The better one of two choices of scales, by what they do to these images."""
    ranges = Ranges(net, info, images)
    chosen = [F.avg_pool2d(image, 2) for image in spread(images, CHOOSERS)]
    best = None
    for name, scales in (("99.99th percentile", ranges.scales()),
                         ("least error", least_error(net, info, ranges, chosen))):
        error, equal = compare(net, info, scales, images)
        print(f"{name}: logits off by {100 * error:.2f} %, "
              f"{100 * equal:.2f} % of their classes equal", flush=True)
        if best is None or error < best[0]:
            best = error, scales
    return best[1]


def spread(paths, count):
    """At most `count` of them, evenly."""
    return [paths[i * len(paths) // count] for i in range(count)] \
        if len(paths) > count else paths


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
            show(f"{pixels / 1e6:.1f} million pixels")
    finally:
        for segment in segmenters.values():
            segment.close()
    return {precision: evaluation.summary()["miou"]
            for precision, evaluation in found.items()} | {
                "equal": round(equal / pixels, 5)}


def write(model, output, scales):
    """Replaces nothing but the scales."""
    tensors, metadata = modelfile.read_safetensors(model)
    metadata["activation_scales"] = json.dumps(scales)
    modelfile.write_safetensors(output, tensors, metadata)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", help="model file; it is replaced unless --out is given")
    add("images", type=Path, help="folder of frames")
    add("--out", metavar="FILE", help="file to write")
    add("--count", type=int, default=16,
        help="frames of the folder to use, evenly (default: 16)")
    add("--labels", type=Path, metavar="DIR",
        help="label PNGs of the frames of --measure: also measure the element")
    add("--measure", type=Path, metavar="DIR",
        help="frames to measure with (default: IMAGES)")
    return parser.parse_args()


def main():
    args = parse_args()
    try:
        if args.labels and evaluate is None:
            raise CalibrateError(f"--labels needs the plugin: {MISSING}")
        net, info = modelfile.load(args.model)
        images = list(read_images(spread(find_images(args.images), args.count), info))
        scales = calibrate(net, info, images)
        output = args.out or args.model
        write(args.model, output, scales)
        print(f"{output}: {len(scales)} scales from {len(images)} images")
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
