# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fast-SCNN as others name and compute it: state dicts with random weights, and
a forward pass straight from the state dict, batch norm not folded.

Written from the networks' definitions, not from convert.py or network.py, so
that the tests compare two things.
"""

import torch
from torch.nn import functional as F

CLASSES = 5


class Naming:
    """Applies convolutions by their foreign names, making up weights for those
    that it has not met before."""

    def __init__(self, seed):
        self.state = {}
        self.random = torch.Generator().manual_seed(seed)

    def _weights(self, conv, norm, shape, bias):
        fan_in = shape[1] * shape[2] * shape[3]
        def draw(*size):
            return torch.rand(*size, generator=self.random)
        self.state[conv + ".weight"] = (draw(*shape) * 2 - 1) * (6 / fan_in) ** 0.5
        if bias:
            self.state[conv + ".bias"] = draw(shape[0]) - 0.5
        if norm:
            self.state |= {norm + ".weight": draw(shape[0]) + 0.5,
                           norm + ".bias": draw(shape[0]) - 0.5,
                           norm + ".running_mean": draw(shape[0]) - 0.5,
                           norm + ".running_var": draw(shape[0]) + 0.3,
                           norm + ".num_batches_tracked": torch.tensor(7)}

    def conv(self, names, x, out, kernel=1, stride=1, padding=None, depthwise=False,
             act=F.relu, bias=False):
        conv, norm = names
        groups = x.shape[1] if depthwise else 1
        if conv + ".weight" not in self.state:
            self._weights(conv, norm, (out, x.shape[1] // groups, kernel, kernel), bias)
        state = self.state
        padding = kernel // 2 if padding is None else padding
        x = F.conv2d(x, state[conv + ".weight"], state.get(conv + ".bias"), stride,
                     padding, groups=groups)
        if norm:
            x = F.batch_norm(x, *(state[f"{norm}.{part}"] for part in
                                  ("running_mean", "running_var", "weight", "bias")))
        return act(x) if act else x


def tramac(seed=1):
    """(state dict, function from image to logits)."""
    net = Naming(seed)

    def pair(prefix, index=0):
        return f"{prefix}.{index}", f"{prefix}.{index + 1}"

    def separable(prefix, x, out, stride):
        x = net.conv(pair(prefix), x, x.shape[1], 3, stride, depthwise=True)
        return net.conv(pair(prefix, 3), x, out)

    def bottleneck(prefix, x, out, stride):
        wide = x.shape[1] * 6
        y = net.conv(pair(prefix + ".block.0.conv"), x, wide)
        y = net.conv(pair(prefix + ".block.1.conv"), y, wide, 3, stride, depthwise=True)
        y = net.conv(pair(prefix + ".block", 2), y, out, act=None)
        return x + y if stride == 1 and x.shape[1] == out else y

    def resize(x, size):
        return F.interpolate(x, size, mode="bilinear", align_corners=True)

    def forward(x):
        lds, gfe = "learning_to_downsample", "global_feature_extractor"
        x = net.conv(pair(lds + ".conv.conv"), x, 32, 3, 2, padding=0)
        x = separable(lds + ".dsconv1.conv", x, 48, 2)
        high = x = separable(lds + ".dsconv2.conv", x, 64, 2)
        for stage, (out, stride) in enumerate(((64, 2), (96, 2), (128, 1)), 1):
            for block in range(3):
                x = bottleneck(f"{gfe}.bottleneck{stage}.{block}", x, out,
                               1 if block else stride)
        pools = [resize(net.conv(pair(f"{gfe}.ppm.conv{i}.conv"),
                                 F.adaptive_avg_pool2d(x, size), 32), x.shape[2:])
                 for i, size in enumerate((1, 2, 3, 6), 1)]
        x = net.conv(pair(gfe + ".ppm.out.conv"), torch.cat([x, *pools], 1), 128)
        x = resize(x, high.shape[2:])
        x = net.conv(pair("feature_fusion.dwconv.conv"), x, 128, 3, depthwise=True)
        x = net.conv(pair("feature_fusion.conv_lower_res"), x, 128, act=None, bias=True)
        x = F.relu(x + net.conv(pair("feature_fusion.conv_higher_res"), high, 128,
                                act=None, bias=True))
        x = separable("classifier.dsconv1.conv", x, 128, 1)
        x = separable("classifier.dsconv2.conv", x, 128, 1)
        return net.conv(("classifier.conv.1", None), x, CLASSES, act=None, bias=True)

    forward(torch.zeros(1, 3, 64, 64))
    net.state["auxlayer.0.weight"] = torch.zeros(32, 64, 3, 3)
    return net.state, forward


def mmseg(year=2023, seed=2):
    """(state dict, function from image to logits), of 2020 or of today."""
    net, old = Naming(seed), year == 2020

    def pair(prefix):
        return prefix + ".conv", prefix + ".bn"

    def separable(prefix, x, out, stride):
        x = net.conv(pair(prefix + ".depthwise_conv"), x, x.shape[1], 3, stride,
                     depthwise=True, act=F.relu if old else None)
        return net.conv(pair(prefix + ".pointwise_conv"), x, out)

    def bottleneck(prefix, x, out, stride):
        wide, act = x.shape[1] * 6, F.relu6 if old else F.relu
        y = net.conv(pair(prefix + ".conv.0"), x, wide, act=act)
        y = net.conv(pair(prefix + ".conv.1"), y, wide, 3, stride, depthwise=True, act=act)
        y = net.conv(pair(prefix + ".conv.2"), y, out, act=None)
        return x + y if stride == 1 and x.shape[1] == out else y

    def resize(x, size):
        return F.interpolate(x, size, mode="bilinear", align_corners=False)

    def forward(x):
        lds = "backbone.learning_to_downsample"
        gfe = "backbone.global_feature_extractor"
        ffm = "backbone.feature_fusion"
        x = net.conv(pair(lds + ".conv"), x, 32, 3, 2, padding=0 if old else 1)
        x = separable(lds + ".dsconv1", x, 48, 2)
        high = x = separable(lds + ".dsconv2", x, 64, 2)
        for stage, (out, stride) in enumerate(((64, 2), (96, 2), (128, 1)), 1):
            for block in range(3):
                x = bottleneck(f"{gfe}.bottleneck{stage}.{block}", x, out,
                               1 if block else stride)
        pools = [resize(net.conv(pair(f"{gfe}.ppm.{i}.1"),
                                 F.adaptive_avg_pool2d(x, size), 32), x.shape[2:])
                 for i, size in enumerate((1, 2, 3, 6))]
        x = net.conv(pair(gfe + ".out"), torch.cat([x, *pools], 1), 128, 1 if old else 3)
        x = resize(x, high.shape[2:])
        x = net.conv(pair(ffm + ".dwconv"), x, 128, 1 if old else 3, depthwise=not old)
        x = net.conv(pair(ffm + ".conv_lower_res"), x, 128, act=None)
        x = F.relu(x + net.conv(pair(ffm + ".conv_higher_res"), high, 128, act=None))
        x = separable("decode_head.convs.0", x, 128, 1)
        x = separable("decode_head.convs.1", x, 128, 1)
        return net.conv(("decode_head.conv_seg", None), x, CLASSES, act=None, bias=True)

    forward(torch.zeros(1, 3, 64, 64))
    net.state["auxiliary_head.0.conv_seg.bias"] = torch.zeros(CLASSES)
    return net.state, forward
