#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a model file from a PyTorch checkpoint of another Fast-SCNN.

It knows the layer names of Tramac/Fast-SCNN-pytorch and of mmsegmentation (today's
and those of mid-2020) and recognises a checkpoint by its names and shapes.
"""

import argparse
import pickle
import re
import sys

import torch

import modelfile
import scales
from cityscapes import ALIASES, COLORS, LABELS
from dataset import read_task
from fastscnn import VARIANTS, Variant, layers
from imagefiles import DataError
from network import ANY_SIZE, FastSCNN

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")

# (pattern of our layer, convolution in the checkpoint, batch norm in it)
TRAMAC = (
    (r"lds\.conv", r"learning_to_downsample.conv.conv.0", "1"),
    (r"lds\.ds(\d)\.dw", r"learning_to_downsample.dsconv\1.conv.0", "1"),
    (r"lds\.ds(\d)\.pw", r"learning_to_downsample.dsconv\1.conv.3", "4"),
    (r"gfe\.b(\d)\.(\d)\.exp",
     r"global_feature_extractor.bottleneck\1.\2.block.0.conv.0", "1"),
    (r"gfe\.b(\d)\.(\d)\.dw",
     r"global_feature_extractor.bottleneck\1.\2.block.1.conv.0", "1"),
    (r"gfe\.b(\d)\.(\d)\.proj",
     r"global_feature_extractor.bottleneck\1.\2.block.2", "3"),
    (r"ppm\.conv([123])", r"global_feature_extractor.ppm.conv\1.conv.0", "1"),
    (r"ppm\.conv6", r"global_feature_extractor.ppm.conv4.conv.0", "1"),
    (r"ppm\.out", r"global_feature_extractor.ppm.out.conv.0", "1"),
    (r"ffm\.dw", r"feature_fusion.dwconv.conv.0", "1"),
    (r"ffm\.low", r"feature_fusion.conv_lower_res.0", "1"),
    (r"ffm\.high", r"feature_fusion.conv_higher_res.0", "1"),
    (r"cls\.ds(\d)\.dw", r"classifier.dsconv\1.conv.0", "1"),
    (r"cls\.ds(\d)\.pw", r"classifier.dsconv\1.conv.3", "4"),
    (r"cls\.conv", r"classifier.conv.1", None),
)
MMSEG = (
    (r"lds\.conv", r"backbone.learning_to_downsample.conv.conv", "bn"),
    (r"lds\.ds(\d)\.dw",
     r"backbone.learning_to_downsample.dsconv\1.depthwise_conv.conv", "bn"),
    (r"lds\.ds(\d)\.pw",
     r"backbone.learning_to_downsample.dsconv\1.pointwise_conv.conv", "bn"),
    (r"gfe\.b(\d)\.(\d)\.exp",
     r"backbone.global_feature_extractor.bottleneck\1.\2.conv.0.conv", "bn"),
    (r"gfe\.b(\d)\.(\d)\.dw",
     r"backbone.global_feature_extractor.bottleneck\1.\2.conv.1.conv", "bn"),
    (r"gfe\.b(\d)\.(\d)\.proj",
     r"backbone.global_feature_extractor.bottleneck\1.\2.conv.2.conv", "bn"),
    (r"ppm\.conv1", r"backbone.global_feature_extractor.ppm.0.1.conv", "bn"),
    (r"ppm\.conv2", r"backbone.global_feature_extractor.ppm.1.1.conv", "bn"),
    (r"ppm\.conv3", r"backbone.global_feature_extractor.ppm.2.1.conv", "bn"),
    (r"ppm\.conv6", r"backbone.global_feature_extractor.ppm.3.1.conv", "bn"),
    (r"ppm\.out", r"backbone.global_feature_extractor.out.conv", "bn"),
    (r"ffm\.dw", r"backbone.feature_fusion.dwconv.conv", "bn"),
    (r"ffm\.low", r"backbone.feature_fusion.conv_lower_res.conv", "bn"),
    (r"ffm\.high", r"backbone.feature_fusion.conv_higher_res.conv", "bn"),
    (r"cls\.ds1\.dw", r"decode_head.convs.0.depthwise_conv.conv", "bn"),
    (r"cls\.ds1\.pw", r"decode_head.convs.0.pointwise_conv.conv", "bn"),
    (r"cls\.ds2\.dw", r"decode_head.convs.1.depthwise_conv.conv", "bn"),
    (r"cls\.ds2\.pw", r"decode_head.convs.1.pointwise_conv.conv", "bn"),
    (r"cls\.conv", r"decode_head.conv_seg", None),
)
# Only needed in training
UNUSED = re.compile(r"^(auxlayer|auxiliary_head)\.|num_batches_tracked$")

MMSEG_2020 = Variant(first_conv_padding=0, ffm_dw="pw1", activation="relu6")


class ConvertError(Exception):
    """Why a checkpoint cannot be converted."""


def read_checkpoint(file, name=None):
    """The state dict in a file (a path, or open), without wrappers and prefixes."""
    name = name or file
    try:
        # weights_only: an untrusted pickle must not run code.
        state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # PyTorch raises all kinds for a damaged file
        raise ConvertError(f"{name}: {_why_not(error)}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    tensors = {key.removeprefix("module."): value for key, value in state.items()
               if isinstance(value, torch.Tensor)} if isinstance(state, dict) else {}
    if not tensors:
        raise ConvertError(f"{name}: holds no state dict")
    return tensors


def _why_not(error):
    """The reason, without PyTorch's advice to load the file unsafely."""
    reason = str(error).rpartition("WeightsUnpickler error: ")[2].strip()
    reason = re.split(r"\n|\. ", reason)[0] or type(error).__name__
    if isinstance(error, pickle.UnpicklingError) and "operand" not in reason:
        return (f"holds more than tensors ({reason}); if you trust it, save its "
                "state_dict alone to a file first")
    return f"not a PyTorch checkpoint, or damaged ({reason})"


def recognise(state):
    """(naming, Variant) of a state dict."""
    if "learning_to_downsample.conv.conv.0.weight" in state:
        return TRAMAC, VARIANTS["tramac"]
    if "backbone.learning_to_downsample.conv.conv.weight" not in state:
        raise ConvertError(
            "neither Tramac's naming (learning_to_downsample.conv.conv.0.weight) nor "
            "mmsegmentation's (backbone.learning_to_downsample.conv.conv.weight); "
            f"the first tensor is {next(iter(state))}")
    shapes = tuple(tuple(state[f"backbone.{name}.conv.weight"].shape[1:])
                   if f"backbone.{name}.conv.weight" in state else None
                   for name in ("feature_fusion.dwconv", "global_feature_extractor.out"))
    known = {((1, 3, 3), (256, 3, 3)): VARIANTS["mmseg"],
             ((128, 1, 1), (256, 1, 1)): MMSEG_2020}
    if shapes not in known:
        raise ConvertError(
            "mmsegmentation's naming, but feature_fusion.dwconv and global_feature_"
            f"extractor.out have weights of {shapes[0]} and {shapes[1]} per channel, "
            "and known are " + " or ".join(f"{a} and {b}" for a, b in known))
    return MMSEG, known[shapes]


def _names(layer, naming):
    """Prefixes of a layer's convolution and of its batch norm, or None."""
    for pattern, conv, norm in naming:
        match = re.fullmatch(pattern, layer)
        if match:
            conv = match.expand(conv)
            return conv, norm and conv.rpartition(".")[0] + "." + norm
    raise AssertionError(layer)


def rename(state):
    """(network with the weights of the state dict, in evaluation mode)."""
    naming, variant = recognise(state)
    last = _names("cls.conv", naming)[0] + ".weight"
    if last not in state:
        raise ConvertError(f"{last} is missing")
    net = FastSCNN(variant, state[last].shape[0])
    wanted, used = {}, set()
    for layer in layers(variant, *ANY_SIZE, net.classes):
        if layer.op == "conv":
            _take(layer, _names(layer.name, naming), state, wanted, used)
    left = [n for n in state if n not in used and not UNUSED.search(n)]
    if left:
        raise ConvertError(f"{len(left)} tensors have no place in this network: "
                           + ", ".join(left[:5]))
    _load(net, wanted)
    return net.eval()


def _take(layer, names, state, wanted, used):
    """Takes one layer's tensors and checks their shapes."""
    conv, norm = names
    parts = {"conv.weight": (conv + ".weight", layer.weight_shape)}
    channels = (layer.dst[0],)
    if norm:
        parts |= {f"bn.{p}": (f"{norm}.{p}", channels) for p in BATCH_NORM}
    if not norm or conv + ".bias" in state:
        parts["conv.bias"] = (conv + ".bias", channels)
    for part, (name, shape) in parts.items():
        if name not in state:
            raise ConvertError(f"{name} is missing (for {layer.name})")
        if tuple(state[name].shape) != tuple(shape):
            raise ConvertError(f"{name} is {tuple(state[name].shape)}, but "
                               f"{layer.name} needs {tuple(shape)}")
        wanted[f"{layer.name}.{part}"] = state[name]
        used.add(name)


def _load(net, wanted):
    """Loads the tensors. If a convolution before batch norm has a bias, it is
    subtracted from batch norm's mean, which has the same effect."""
    tensors = net.state_dict()
    for name, value in wanted.items():
        if name in tensors:
            tensors[name] = value.float()
    for name, value in wanted.items():
        if name not in tensors:
            mean = name.replace("conv.bias", "bn.running_mean")
            tensors[mean] = tensors[mean] - value.float()
    net.load_state_dict(tensors)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("checkpoint", help="file with a PyTorch state dict")
    add("output", help="model file to write, .safetensors")
    add("--task", help="TOML or JSON with labels, colours and input size; may be "
        "left out for the 19 classes of Cityscapes")
    add("--name", default="fastscnn-cityscapes", help="without --task")
    add("--license", required=True, help="terms of the weights")
    add("--source", required=True, help="address of the checkpoint")
    add("--input", type=int, nargs=2, default=(1024, 512),
        metavar=("WIDTH", "HEIGHT"), help="preferred network input, without --task")
    add("--float32", action="store_true", help="write fp32 instead of fp16")
    scales.add_option(parser)
    return parser.parse_args()


def describe(args):
    if args.task:
        info = read_task(args.task).info
    else:
        info = modelfile.ModelInfo(args.name, LABELS, COLORS, *args.input,
                                   aliases=ALIASES)
    info.license, info.source = args.license, args.source
    return info


def write(path, state, info, images, half=True):
    """Writes the model file of a state dict, calibrated if there are images;
    returns the network."""
    net = rename(state)
    if len(info.labels) != net.classes:
        raise ConvertError(f"the checkpoint has {net.classes} classes, but there are "
                           f"{len(info.labels)} labels; give others with --task")
    scales.save(path, net, info, images, half)
    return net


def main():
    args = parse_args()
    try:
        info = describe(args)
        images = scales.read_images(args.calibrate)
        net = write(args.output, read_checkpoint(args.checkpoint), info, images,
                    half=not args.float32)
    except (ConvertError, DataError, modelfile.ModelFileError, OSError,
            ValueError) as error:
        sys.exit(f"convert.py: {error}")
    print(f"{args.output}: {info.name}, {net.classes} classes, {net.variant}")


if __name__ == "__main__":
    main()
