#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a model file as ONNX, for other runtimes: RGB bytes in, class bytes out.

The graph does all that the element does: normalisation, network, interpolation
of the logits, argmax. Its size is fixed. Needs PyTorch, onnx and onnxscript.
"""

import argparse
import re
import sys

import torch
from torch.nn import functional as F

from fastscnn import BINS
from modelfile import load
from network import class_map

OPSET = 23


def pooling_matrix(height, width, bins):
    """Adaptive average pooling as a matrix (height * width, bins * bins).

    ONNX lacks this pooling for sizes that the bins do not divide.
    """
    pixels = torch.eye(height * width).reshape(1, -1, height, width)
    return F.adaptive_avg_pool2d(pixels, bins).reshape(height * width, bins * bins)


class Segmenter(torch.nn.Module):
    """Bytes (1, H, W, 3) to bytes (1, H, W)."""

    def __init__(self, net, info, height, width):
        super().__init__()
        self.net = net
        self.size = height, width
        grid = height // 32, width // 32
        for bins in BINS:
            self.register_buffer(f"pool{bins}", pooling_matrix(*grid, bins))
        scale = 1 / (255 * torch.tensor(info.std))
        shift = -torch.tensor(info.mean) / torch.tensor(info.std)
        self.register_buffer("scale", scale.reshape(1, 3, 1, 1))
        self.register_buffer("shift", shift.reshape(1, 3, 1, 1))
        net._pyramid = self._pyramid

    def _pyramid(self, x):
        net, parts = self.net, [x]
        for bins in BINS:
            pooled = x.flatten(2) @ getattr(self, f"pool{bins}")
            pooled = pooled.reshape(1, x.shape[1], bins, bins)
            parts.append(net._resize(net.layer(f"ppm.conv{bins}")(pooled),
                                     x.shape[2:]))
        return net.ppm.out(torch.cat(parts, 1))

    def forward(self, frame):
        image = frame.permute(0, 3, 1, 2).float() * self.scale + self.shift
        align = self.net.variant.align_corners
        return class_map(self.net(image), self.size, align).to(torch.uint8)


def export(model, path, height, width):
    net, info = load(model)
    frame = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    with torch.no_grad():
        torch.onnx.export(Segmenter(net, info, height, width).eval(), (frame,),
                          path, input_names=["frame"], output_names=["mask"],
                          opset_version=OPSET, dynamo=True, external_data=False,
                          verbose=False)


def parse_size(text):
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    size = tuple(int(n) for n in match.groups()) if match else (1,)
    if any(n == 0 or n % 32 for n in size):
        raise argparse.ArgumentTypeError(
            f"{text} is not WIDTHxHEIGHT in multiples of 32")
    return size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="safetensors file")
    parser.add_argument("output", help="ONNX file to write")
    parser.add_argument("--size", type=parse_size, default=(1024, 512),
                        metavar="WxH", help="of the frames and of the network's "
                        "input (default 1024x512)")
    args = parser.parse_args()
    try:
        export(args.model, args.output, args.size[1], args.size[0])
    except OSError as error:
        sys.exit(f"export_onnx: {error}")


if __name__ == "__main__":
    main()
