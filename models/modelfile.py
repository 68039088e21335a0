# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads and writes model files: safetensors, with batch norm folded.

The format is the length of a JSON header as 8 little-endian bytes, the header,
and the tensors. README.md describes the metadata of a model.

    modelfile.py MODEL KEY VALUE

sets one key of the metadata and leaves the rest of the file unchanged:

    modelfile.py model.safetensors aliases '{"person": "pedestrian"}'
"""

import argparse
import json
import os
import struct
import sys
from dataclasses import dataclass, field, fields

import numpy as np
import torch

from fastscnn import Variant, layers
from network import ANY_SIZE, FastSCNN

DTYPES = {"F16": np.float16, "F32": np.float32}
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MIN_SCALE, MAX_SCALE = 1e-6, 1e6


class ModelFileError(Exception):
    """Why a file is not a model."""


@dataclass
class ModelInfo:
    """The metadata of a model file, except for the variant."""

    name: str
    labels: list
    colors: list  # [r, g, b] per label
    width: int
    height: int
    license: str = ""
    source: str = ""
    mean: tuple = field(default=IMAGENET_MEAN)
    std: tuple = field(default=IMAGENET_STD)
    aliases: dict = field(default_factory=dict)  # other name -> label
    activation_scales: dict = None  # by layer, see README.md; None: not calibrated

    def metadata(self, variant):
        """The file's `__metadata__`, strings only."""
        return {
            "architecture": "fast-scnn",
            "format": "1",
            "name": self.name,
            "license": self.license,
            "source": self.source,
            "labels": json.dumps(list(self.labels)),
            "colors": json.dumps([list(c) for c in self.colors]),
            "mean": json.dumps(list(self.mean)),
            "std": json.dumps(list(self.std)),
            "input_width": str(self.width),
            "input_height": str(self.height),
            **({"aliases": json.dumps(self.aliases)} if self.aliases else {}),
            **{f.name: _to_text(getattr(variant, f.name)) for f in fields(variant)},
            **self._scales(variant),
        }

    def _scales(self, variant):
        if self.activation_scales is None:
            return {}
        check_scales(variant, len(self.labels), self.activation_scales)
        return {"activation_scales": json.dumps(self.activation_scales)}

    @staticmethod
    def parse(meta):
        return ModelInfo(
            meta["name"], json.loads(meta["labels"]), json.loads(meta["colors"]),
            int(meta["input_width"]), int(meta["input_height"]), meta["license"],
            meta["source"], json.loads(meta["mean"]), json.loads(meta["std"]),
            json.loads(meta.get("aliases", "{}")),
            json.loads(meta.get("activation_scales", "null")))

    def check_aliases(self):
        """Raises an error if a name means two classes, as fastscnn does."""
        taken = {_fold(label) for label in self.labels}
        for alias, label in self.aliases.items():
            if label not in self.labels:
                raise ModelFileError(f"the alias {alias} stands for {label}, "
                                     "which is not a label")
            if not alias or _fold(alias) in taken:
                raise ModelFileError(f"the alias {alias} is also a label or another alias")
            taken.add(_fold(alias))


def _fold(name):
    """The same text for all spellings of a name that fastscnn treats as equal."""
    return name.translate(str.maketrans("-_", "  ")).lower()


def scaled_layers(variant, classes):
    """The layers whose output has a scale: all convolutions but the last, which
    computes the logits."""
    return [layer for layer in layers(variant, *ANY_SIZE, classes)
            if layer.op == "conv"][:-1]


def check_scales(variant, classes, scales):
    names = [layer.name for layer in scaled_layers(variant, classes)]
    if not isinstance(scales, dict):
        raise ModelFileError("activation_scales is no object")
    for name in (*names, *scales):
        scale = scales.get(name)
        if name not in names:
            raise ModelFileError(f"activation_scales: {name} is no layer that has one")
        if scale is None:
            raise ModelFileError(f"activation_scales: {name} is missing")
        if (not isinstance(scale, (int, float)) or isinstance(scale, bool)
                or not MIN_SCALE <= scale <= MAX_SCALE):
            raise ModelFileError(f"activation_scales: {name} is {scale}, must be a "
                                 f"number from {MIN_SCALE} to {MAX_SCALE:.0e}")


def _to_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse_variant(meta):
    return Variant(meta["align_corners"] == "true",
                   int(meta["first_conv_padding"]), meta["dw_relu"] == "true",
                   int(meta["ppm_out_kernel"]), meta["ffm_dw"], meta["activation"])


def write_safetensors(path, tensors, metadata):
    """Writes {name: numpy array}. If that fails, the file at `path` stays as it
    was."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, offset = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": names[array.dtype.type],
                        "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    partial = f"{path}.part"
    with open(partial, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            out.write(np.ascontiguousarray(array).tobytes())
    os.replace(partial, path)


def read_safetensors(path):
    """({name: numpy array}, metadata)."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        flat = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def fold(net, info, half=True):
    """(tensors, metadata) of a network, with batch norm folded into its
    convolutions."""
    dtype = np.float16 if half else np.float32
    tensors = {}
    for layer in net.convs:
        weight, bias = net.layer(layer.name).folded()
        for kind, value in (("weight", weight), ("bias", bias)):
            array = value.float().cpu().numpy().astype(dtype)
            if not np.isfinite(array).all():
                raise ValueError(f"{layer.name}.{kind}: a value is not finite "
                                 f"as {dtype.__name__}")
            tensors[f"{layer.name}.{kind}"] = array
    return tensors, info.metadata(net.variant)


def save(path, net, info, half=True):
    write_safetensors(path, *fold(net, info, half))


def load(path):
    """build() from a file."""
    try:
        return build(*read_safetensors(path))
    except (KeyError, TypeError, ValueError, RuntimeError, struct.error,
            ModelFileError) as error:
        reason = " ".join(str(error).split())
        if isinstance(error, KeyError):
            reason = f"{reason} is missing or unknown"
        raise ModelFileError(f"{path}: no model file of Fast-SCNN ({reason})") from error


def build(tensors, metadata):
    """(folded network in evaluation mode, ModelInfo)."""
    info = ModelInfo.parse(metadata)
    variant = _parse_variant(metadata)
    if info.activation_scales is not None:
        check_scales(variant, len(info.labels), info.activation_scales)
    net = FastSCNN(variant, len(info.labels), batch_norm=False)
    state = {}
    for layer in net.convs:
        for kind in ("weight", "bias"):
            state[f"{layer.name}.conv.{kind}"] = torch.from_numpy(
                tensors[f"{layer.name}.{kind}"].astype(np.float32))
    net.load_state_dict(state)
    return net.eval(), info


def set_metadata(path, key, value):
    """Sets one key of the metadata to a string."""
    try:
        tensors, metadata = read_safetensors(path)
        metadata[key] = value
        build(tensors, metadata)[1].check_aliases()
    except ModelFileError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError,
            struct.error) as error:
        raise ModelFileError(f"{key} cannot be {value} ({error})") from error
    write_safetensors(path, tensors, metadata)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("key")
    parser.add_argument("value")
    args = parser.parse_args()
    try:
        set_metadata(args.model, args.key, args.value)
    except (OSError, ModelFileError) as error:
        sys.exit(f"modelfile.py: {args.model}: {error}")


if __name__ == "__main__":
    main()
