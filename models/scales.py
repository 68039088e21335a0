# SPDX-License-Identifier: LGPL-2.1-or-later
"""Activation scales of a model, chosen to change the fewest classes in 8 bits.

Two sets are compared: the 99.99th percentile of every layer's output, and the
percentile with the least error of the logits for each layer alone.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import modelfile
from imagefiles import find_images, read_image, spread
from int8 import Int8Network, steps

IMAGES = 16
PERCENTILES = (99.9, 99.99, 99.999, 100)
USUAL = 99.99
MULTIPLE = 32  # of the network input's width and height
CHOOSERS = 2  # images, at half size, that choose each layer's percentile
SMALLEST = 1e-3  # range of a layer whose output is 0 everywhere


def add_option(parser):
    parser.add_argument(
        "--calibrate", type=Path, metavar="IMAGES",
        help="folder of frames like those that the model will see: add activation "
        "scales for 8 bits")


def read_images(folder, count=IMAGES):
    """At most `count` images of a folder, evenly spread, as bytes (3, height,
    width); none without a folder."""
    if folder is None:
        return []
    return [torch.from_numpy(np.array(read_image(path))).permute(2, 0, 1)
            for path in spread(find_images(folder), count)]


def input_size(info, frame):
    """(height, width) of the network input that the element would choose."""
    aspect = frame[0] / frame[1]
    height = (info.width * info.height / aspect) ** 0.5
    return [max(1, int(n / MULTIPLE + 0.5)) * MULTIPLE
            for n in (height, height * aspect)]


def resize(image, info):
    """The image at the size of the network input: bytes (1, 3, height, width)."""
    return F.interpolate(image[None].float(), input_size(info, image.shape[:0:-1]),
                         mode="bilinear", align_corners=False).round()


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
    """Within this context, a network rounds the output of one layer to 8 bits."""

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
    """For each layer alone, the scale with the least error of the logits."""
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
    """(relative error of the logits in 8 bits, share of points with an equal
    class)."""
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
def choose(net, info, images):
    """Of two sets of scales the one that changes fewer classes on these images. The
    error of the logits misleads: a single outlier among the channels dominates it."""
    images = [resize(image, info) for image in images]
    ranges = Ranges(net, info, images)
    chosen = [F.avg_pool2d(image, 2) for image in spread(images, CHOOSERS)]
    best = None
    for name, scales in (("99.99th percentile", ranges.scales()),
                         ("least error", least_error(net, info, ranges, chosen))):
        error, equal = compare(net, info, scales, images)
        print(f"{name}: logits off by {100 * error:.2f} %, "
              f"{100 * equal:.2f} % of their classes equal", flush=True)
        if best is None or equal > best[0]:
            best = equal, scales
    return best[1]


def save(path, net, info, images, half=True):
    """Writes a network; with images (3, height, width), calibrated by them."""
    tensors, metadata = modelfile.fold(net, info, half)
    if images:
        write(path, tensors, metadata, images)
    else:
        modelfile.write_safetensors(path, tensors, metadata)


def write(path, tensors, metadata, images):
    """Writes a model file with scales chosen by images (3, height, width)."""
    net, info = modelfile.build(tensors, metadata)
    scales = choose(net, info, images)
    modelfile.check_scales(net.variant, net.classes, scales)
    modelfile.write_safetensors(
        path, tensors, metadata | {"activation_scales": json.dumps(scales)})
    print(f"{path}: {len(scales)} scales from {len(images)} images", flush=True)
