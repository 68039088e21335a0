#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fast-SCNN as a list of layers, with all names, shapes and variants; no PyTorch.

network.py builds the trainable module from this list; `fastscnn.py --list`
prints it, to compare other implementations with it.
"""

import argparse
from dataclasses import dataclass

BINS = (1, 2, 3, 6)
EXPANSION = 6
# (channels, stride of the first block) of the three bottleneck stages
STAGES = ((64, 2), (96, 2), (128, 1))


CHOICES = {"first_conv_padding": (0, 1), "ppm_out_kernel": (1, 3),
           "ffm_dw": ("dw3", "dw3-dilation4", "pw1"),
           "activation": ("relu", "relu6")}


@dataclass(frozen=True)
class Variant:
    """The choices in which published implementations of the network differ."""

    align_corners: bool = False
    first_conv_padding: int = 1
    dw_relu: bool = True  # between depthwise and pointwise, outside of gfe
    ppm_out_kernel: int = 1
    ffm_dw: str = "dw3"  # dw3, dw3-dilation4, pw1
    activation: str = "relu"  # of the bottlenecks: relu, relu6

    def __post_init__(self):
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name} is {value}, and not one of "
                                 + ", ".join(map(str, known)))


VARIANTS = {
    "tramac": Variant(align_corners=True, first_conv_padding=0),
    "mmseg": Variant(dw_relu=False, ppm_out_kernel=3),
    "paper": Variant(dw_relu=False, ffm_dw="dw3-dilation4"),
}


@dataclass(frozen=True)
class Layer:
    name: str
    op: str  # conv, pool, upsample, concat
    src: tuple  # (C, H, W)
    dst: tuple  # (C, H, W)
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    activation: str = "-"  # applied after the residual, if there is one
    residual: str = "-"  # name of the layer whose output is added

    @property
    def weight_shape(self):
        return (self.dst[0], self.src[0] // self.groups, self.kernel, self.kernel)


class _Builder:
    """Appends layers and tracks the shape of the tensor that flows through them."""

    def __init__(self, variant, shape):
        self.variant = variant
        self.shape = shape
        self.layers = []

    def _append(self, layer):
        self.layers.append(layer)
        self.shape = layer.dst

    def conv(self, name, channels, kernel=1, stride=1, padding=None, dilation=1,
             groups=1, act="relu", residual="-"):
        padding = dilation * (kernel // 2) if padding is None else padding
        extent = dilation * (kernel - 1) + 1
        height, width = ((n + 2 * padding - extent) // stride + 1
                         for n in self.shape[1:])
        self._append(Layer(name, "conv", self.shape, (channels, height, width),
                           kernel, stride, padding, dilation, groups,
                           act, residual))

    def depthwise(self, name, stride=1, dilation=1, act="relu"):
        channels = self.shape[0]
        self.conv(name, channels, 3, stride, dilation=dilation,
                  groups=channels, act=act)

    def separable(self, name, channels, stride):
        self.depthwise(name + ".dw", stride,
                       act="relu" if self.variant.dw_relu else "-")
        self.conv(name + ".pw", channels)

    def bottleneck(self, name, channels, stride):
        inner = self.shape[0] * EXPANSION
        adds = stride == 1 and self.shape[0] == channels
        source = self.layers[-1].name
        self.conv(name + ".exp", inner, act=self.variant.activation)
        self.depthwise(name + ".dw", stride, act=self.variant.activation)
        self.conv(name + ".proj", channels, act="-",
                  residual=source if adds else "-")

    def pool(self, name, size):
        self._append(Layer(name, "pool", self.shape, (self.shape[0], size, size)))

    def upsample(self, name, height, width):
        self._append(Layer(name, "upsample", self.shape,
                           (self.shape[0], height, width)))

    def concat(self, name, channels):
        shape = (channels,) + self.shape[1:]
        self._append(Layer(name, "concat", shape, shape))


def layers(variant, height, width, classes):
    """All layers in order, from the image to the class logits at 1/8 of its size."""
    net = _Builder(variant, (3, height, width))
    net.conv("lds.conv", 32, 3, 2, padding=variant.first_conv_padding)
    net.separable("lds.ds1", 48, 2)
    net.separable("lds.ds2", 64, 2)
    high = net.shape
    for stage, (channels, stride) in enumerate(STAGES, 1):
        for block in range(3):
            net.bottleneck(f"gfe.b{stage}.{block}", channels,
                           stride if block == 0 else 1)
    _pyramid(net)
    _fusion(net, high)
    net.separable("cls.ds1", 128, 1)
    net.separable("cls.ds2", 128, 1)
    net.conv("cls.conv", classes, act="-")
    return net.layers


def _pyramid(net):
    low = net.shape
    for size in BINS:
        net.shape = low
        net.pool(f"ppm.pool{size}", size)
        net.conv(f"ppm.conv{size}", 32)
        net.upsample(f"ppm.up{size}", *low[1:])
    net.concat("ppm.cat", low[0] + 32 * len(BINS))
    net.conv("ppm.out", 128, net.variant.ppm_out_kernel)


def _fusion(net, high):
    net.upsample("ffm.up4", *high[1:])
    if net.variant.ffm_dw == "pw1":
        net.conv("ffm.dw", 128)
    else:
        net.depthwise("ffm.dw",
                      dilation=4 if net.variant.ffm_dw == "dw3-dilation4" else 1)
    upsampled, net.shape = net.shape, high
    net.conv("ffm.high", 128, act="-")
    net.shape = upsampled
    net.conv("ffm.low", 128, residual="ffm.high")


def print_layers(rows):
    print("name op kernel stride padding dilation groups activation in out residual")
    for row in rows:
        src, dst = ("x".join(map(str, shape)) for shape in (row.src, row.dst))
        residual = "-" if row.residual == "-" else f"residual={row.residual}"
        print(row.name, row.op, row.kernel, row.stride, row.padding,
              row.dilation, row.groups, row.activation, src, dst, residual)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", required=True,
                        help="print one line per layer")
    parser.add_argument("--variant", choices=VARIANTS, default="tramac")
    parser.add_argument("--height", type=int, default=1024)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--classes", type=int, default=19)
    args = parser.parse_args()
    print_layers(layers(VARIANTS[args.variant], args.height, args.width,
                        args.classes))


if __name__ == "__main__":
    main()
