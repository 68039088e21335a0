# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fast-SCNN as a PyTorch module, built from the layer list of fastscnn.py."""

import torch
from torch import nn
from torch.nn import functional as F

from fastscnn import BINS, STAGES, layers
from strided import strided_depthwise

ACTIVATIONS = {"relu": nn.ReLU, "relu6": nn.ReLU6}
# The layer list needs an input size, but weights do not depend on it.
ANY_SIZE = (64, 64)


class ConvBN(nn.Module):
    """Convolution, batch norm, optional residual, activation."""

    def __init__(self, layer, batch_norm=True):
        super().__init__()
        self.conv = nn.Conv2d(layer.src[0], layer.dst[0], layer.kernel,
                              layer.stride, layer.padding, layer.dilation,
                              layer.groups, bias=not batch_norm)
        self.bn = nn.BatchNorm2d(layer.dst[0]) if batch_norm else nn.Identity()
        self.act = (nn.Identity() if layer.activation == "-"
                    else ACTIVATIONS[layer.activation](inplace=True))

    def forward(self, x, residual=None):
        x = self.bn(self._convolved(x))
        if residual is not None:
            x = x + residual
        return self.act(x)

    def _convolved(self, x):
        conv = self.conv
        if conv.groups > 1 and conv.stride[0] > 1:
            return strided_depthwise(x, conv.weight, conv.bias, conv.stride[0],
                                     conv.padding[0])
        return conv(x)

    @torch.no_grad()
    def folded(self):
        """Weight and bias of one convolution that does the same."""
        weight, bias = self.conv.weight, self.conv.bias
        if isinstance(self.bn, nn.Identity):
            return weight.clone(), bias.clone()
        scale = self.bn.weight / torch.sqrt(self.bn.running_var + self.bn.eps)
        shift = self.bn.bias - self.bn.running_mean * scale
        if bias is not None:
            shift = shift + bias * scale
        return weight * scale.reshape(-1, 1, 1, 1), shift


class FastSCNN(nn.Module):
    """Image (N, 3, H, W) to logits (N, classes, H/8, W/8).

    Submodules have the names of the layer list, such as `gfe.b1.0.exp`. Without
    batch norm it is the folded network of a model file.
    """

    aux_channels = (64, 128)  # of the feature maps that forward_all() adds

    def __init__(self, variant, classes, batch_norm=True, dropout=0.0):
        super().__init__()
        self.variant = variant
        self.classes = classes
        self.convs = [layer for layer in layers(variant, *ANY_SIZE, classes)
                      if layer.op == "conv"]
        for layer in self.convs:
            self._attach(layer.name, ConvBN(
                layer, batch_norm and layer.name != "cls.conv"))
        self.dropout = nn.Dropout(dropout)
        self.apply(_initialise)

    def _attach(self, path, module):
        *parents, leaf = path.split(".")
        owner = self
        for name in parents:
            if not hasattr(owner, name):
                owner.add_module(name, nn.Module())
            owner = getattr(owner, name)
        owner.add_module(leaf, module)

    @property
    def align_corners(self):
        return self.variant.align_corners

    def layer(self, name):
        return self.get_submodule(name)

    def forward(self, image):
        return self.forward_all(image)[0]

    def forward_all(self, image):
        """Logits, then the two feature maps for auxiliary losses."""
        high = self._downsample(image)
        low = self._pyramid(self._features(high))
        return self._classify(self._fuse(high, low)), high, low

    def _downsample(self, x):
        for block in (self.lds.conv, self.lds.ds1.dw, self.lds.ds1.pw,
                      self.lds.ds2.dw, self.lds.ds2.pw):
            x = block(x)
        return x

    def _features(self, x):
        for stage in range(1, len(STAGES) + 1):
            for index in range(3):
                block = self.layer(f"gfe.b{stage}.{index}")
                y = block.dw(block.exp(x))
                adds = y.shape[2:] == x.shape[2:] and index > 0
                x = block.proj(y, x if adds else None)
        return x

    def _pyramid(self, x):
        parts = [x]
        for size in BINS:
            pooled = self.layer(f"ppm.conv{size}")(F.adaptive_avg_pool2d(x, size))
            parts.append(self._resize(pooled, x.shape[2:]))
        return self.ppm.out(torch.cat(parts, 1))

    def _fuse(self, high, low):
        low = self.ffm.dw(self._resize(low, high.shape[2:]))
        return self.ffm.low(low, self.ffm.high(high))

    def _classify(self, x):
        for block in (self.cls.ds1.dw, self.cls.ds1.pw,
                      self.cls.ds2.dw, self.cls.ds2.pw):
            x = block(x)
        return self.cls.conv(self.dropout(x))

    def _resize(self, x, size):
        return F.interpolate(x, size, mode="bilinear",
                             align_corners=self.variant.align_corners)


def _initialise(module):
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def class_map(logits, size, align_corners):
    """Class of every pixel of `size`: logits are interpolated, never ids."""
    return F.interpolate(logits, size, mode="bilinear",
                         align_corners=align_corners).argmax(1)
