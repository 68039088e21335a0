#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes reference outputs of the network, to test other implementations.

Neither weights nor inputs are stored: each implementation generates them with the
same small generator. See tests/golden/README.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from fastscnn import VARIANTS
from network import FastSCNN, class_map

CLASSES = 19
INPUT = (96, 160)
MASK = (90, 150)
WEIGHT_SEED, INPUT_SEED = 1, 2


class Generator:
    """32-bit linear congruential generator; values in [-1, 1)."""

    def __init__(self, seed):
        self.state = seed

    def values(self, count):
        found = np.empty(count, np.float32)
        state = self.state
        for i in range(count):
            state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
            found[i] = (state >> 8) / 2 ** 24 * 2 - 1
        self.state = state
        return found


def fill(net, seed):
    """Fills all layers in order, weight before bias, from one stream of values."""
    generator = Generator(seed)
    for layer in net.convs:
        shape = layer.weight_shape
        fan_in = int(np.prod(shape[1:]))
        # Keeps the magnitude of activations about constant through the layers.
        gain = np.float32(np.sqrt((3 if layer.activation == "-" else 6) / fan_in))
        conv = net.layer(layer.name).conv
        weight = generator.values(int(np.prod(shape))) * gain
        conv.weight.data = torch.from_numpy(weight.reshape(shape))
        conv.bias.data = torch.from_numpy(
            generator.values(shape[0]) * np.float32(0.1))


@torch.no_grad()
def answer(variant):
    """(logits (C, h, w) float32, class ids of MASK size)."""
    net = FastSCNN(variant, CLASSES, batch_norm=False).eval()
    fill(net, WEIGHT_SEED)
    image = Generator(INPUT_SEED).values(3 * INPUT[0] * INPUT[1])
    logits = net(torch.from_numpy(image.reshape(1, 3, *INPUT)))
    mask = class_map(logits, MASK, variant.align_corners)
    return logits[0].numpy(), mask[0].byte().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    folder = Path(__file__).resolve().parent.parent / "tests" / "golden"
    parser.add_argument("--out", type=Path, default=folder)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, variant in VARIANTS.items():
        logits, mask = answer(variant)
        logits.astype("<f4").tofile(args.out / f"{name}.logits")
        mask.tofile(args.out / f"{name}.mask")
        print(f"{name}: logits {logits.min():.3f} to {logits.max():.3f}, "
              f"{len(np.unique(mask))} classes in the mask")


if __name__ == "__main__":
    main()
