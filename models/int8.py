# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network in 8 bits, bit-exact with the engine.

tests/support/int8reference.h is the same in C++. A byte q of a tensor stands for
scale * (q - zero). Bytes are kept as floating-point numbers, whose sums are exact
here: they stay below 2^53 in double precision, below 2^24 in single.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from fastscnn import BINS, STAGES

MAX_BIAS = MAX_RESIDUAL = 2.0 ** 22
MAX_SCALE = 2.0 ** 20
STEPS = 2048  # resolution of an interpolation weight


def zero_point(layer):
    return 128 if layer.activation == "-" else 0


def steps(layer):
    """Number of steps from 0 to the largest value of a layer's output."""
    return 255 - zero_point(layer)


@dataclass
class Bytes:
    values: torch.Tensor  # (1, C, H, W), whole numbers
    scale: torch.Tensor  # (C)
    zero: torch.Tensor  # (C)


@dataclass
class Convolution:
    """All integers but the scale; see quantize() in tests/support/int8reference.h."""

    weight: torch.Tensor
    bias: torch.Tensor
    scale: torch.Tensor
    residual_scale: torch.Tensor


class Int8Network:
    """Logits of images (1, 3, H, W) of bytes. `net` is folded."""

    def __init__(self, net, info):
        self.net, self.variant = net, net.variant
        self.layers = {layer.name: layer for layer in net.convs}
        self.scales = info.activation_scales
        std, mean = (torch.tensor(v, dtype=torch.float32).double()
                     for v in (info.std, info.mean))
        self.image_scale, self.image_zero = 1 / (255 * std), 255 * mean
        self.convolutions = {}  # by name, quantized at their first use

    @torch.no_grad()
    def __call__(self, image):
        x = Bytes(image.double(), self.image_scale, self.image_zero)
        high = self._chain(x, "lds.conv", "lds.ds1.dw", "lds.ds1.pw", "lds.ds2.dw",
                           "lds.ds2.pw")
        low = self._pyramid(self._features(high))
        low = self._conv("ffm.dw", self._resize(low, high.values.shape[2:]))
        x = self._conv("ffm.low", low, self._conv("ffm.high", high))
        x = self._chain(x, "cls.ds1.dw", "cls.ds1.pw", "cls.ds2.dw", "cls.ds2.pw")
        return self._conv("cls.conv", x)

    def _chain(self, x, *names):
        for name in names:
            x = self._conv(name, x)
        return x

    def _features(self, x):
        for stage in range(1, len(STAGES) + 1):
            for block in range(3):
                name = f"gfe.b{stage}.{block}"
                y = self._chain(x, f"{name}.exp", f"{name}.dw")
                adds = self.layers[f"{name}.proj"].residual != "-"
                x = self._conv(f"{name}.proj", y, x if adds else None)
        return x

    def _pyramid(self, x):
        parts = [x]
        for bins in BINS:
            pooled = self._conv(f"ppm.conv{bins}", pool(x, bins))
            parts.append(self._resize(pooled, x.values.shape[2:]))
        return self._conv("ppm.out", Bytes(
            *(torch.cat([getattr(part, field) for part in parts], axis)
              for field, axis in (("values", 1), ("scale", 0), ("zero", 0)))))

    def _resize(self, x, size):
        return upsample(x, size, self.variant.align_corners)

    def _conv(self, name, x, residual=None):
        layer = self.layers[name]
        if name not in self.convolutions:
            self.convolutions[name] = self._quantize(layer, x, residual)
        conv = self.convolutions[name]
        # Depthwise sums are small enough for single precision.
        dtype = torch.float32 if layer.groups > 1 else torch.float64
        values = pad(x, layer.padding).to(dtype)
        sums = F.conv2d(values, conv.weight.to(dtype), None, layer.stride, 0,
                        layer.dilation, layer.groups).double()
        sums += conv.bias.reshape(-1, 1, 1)
        if residual is not None:
            sums += ((residual.values - residual.zero.reshape(-1, 1, 1))
                     * conv.residual_scale.reshape(-1, 1, 1))
        scaled = sums.float() * conv.scale.reshape(-1, 1, 1)
        if name not in self.scales:
            return scaled
        zero, scale = zero_point(layer), self._scale(name)
        high = (min(255, round(6 / scale)) if layer.activation == "relu6" else 255)
        return Bytes((scaled.round().double() + zero).clamp(0, high),
                     *(torch.full((layer.dst[0],), v, dtype=torch.float64)
                       for v in (scale, zero)))

    def _scale(self, name):
        """In single precision, as the engine reads it."""
        return torch.tensor(self.scales[name], dtype=torch.float32).double().item()

    def _quantize(self, layer, x, residual):
        weight, bias = (t.double() for t in self.net.layer(layer.name).folded())
        image = layer.name == "lds.conv"
        shape = (1, -1, 1, 1) if layer.groups == 1 else (-1, 1, 1, 1)
        zero = x.zero.reshape(shape)
        scaled = weight * x.scale.reshape(shape)
        if image:
            bias = bias - (scaled * zero).sum((1, 2, 3))
        step = 0.0 if residual is None else residual.scale[0].item()
        unit = torch.maximum(scaled.abs().amax((1, 2, 3)) / 127, bias.abs() / MAX_BIAS)
        unit = unit.clamp(min=step / MAX_RESIDUAL)
        unit = torch.where(unit == 0, torch.ones_like(unit), unit)
        quantized = (scaled / unit.reshape(-1, 1, 1, 1)).round()
        bias = (bias / unit).round()
        if not image:
            bias = bias - (quantized * zero).sum((1, 2, 3))
        scale = unit
        if layer.name in self.scales:
            scale = (unit / self._scale(layer.name)).clamp(max=MAX_SCALE)
        return Convolution(quantized, bias, scale.float(), (step / unit).round())


def pad(x, width):
    """Pads with the zero point, which is the mean colour for an image."""
    if not width:
        return x.values
    outside = x.zero.clamp(0, 255).round().reshape(1, -1, 1, 1)
    return F.pad(x.values - outside, (width,) * 4) + outside


def pool(x, bins):
    """Adaptive average pooling."""
    height, width = x.values.shape[2:]
    found = torch.empty((*x.values.shape[:2], bins, bins), dtype=torch.float64)
    for row in range(bins):
        for column in range(bins):
            part = x.values[:, :, row * height // bins:-(-(row + 1) * height // bins),
                            column * width // bins:-(-(column + 1) * width // bins)]
            count = torch.tensor(1.0) / (part.shape[2] * part.shape[3])
            found[:, :, row, column] = (part.sum((2, 3)).float() * count).round()
    return Bytes(found, x.scale, x.zero)


def upsample(x, size, align_corners):
    """Bilinear, with integer weights, rounded after each direction."""
    values = x.values.long()
    (top, bottom, down), (left, right, across) = (
        _taps(n, out, align_corners) for n, out in zip(values.shape[2:], size))
    first, second = values[:, :, top], values[:, :, bottom]
    rows = 128 * first + ((second - first) * down.reshape(-1, 1) + 8 >> 4)
    first, second = rows[:, :, :, left], rows[:, :, :, right]
    found = first + ((second - first) * across + 1024 >> 11) + 64 >> 7
    return Bytes(found.double(), x.scale, x.zero)


def _taps(count, out, align_corners):
    """The two source pixels of every output pixel, and the weight of the second."""
    at = torch.arange(out, dtype=torch.float64)
    if align_corners:
        at = at * (count - 1) / max(out - 1, 1)
    else:
        at = (at + 0.5) * count / out - 0.5
    at = (at.clamp(0, count - 1) * STEPS + 0.5).floor().long()
    first = at // STEPS
    return first, (first + 1).clamp(max=count - 1), at % STEPS
