#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the seeds in corpus/: small valid inputs for a fuzzer to start from."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models"))
import fastscnn  # noqa: E402

CORPUS = pathlib.Path(__file__).parent / "corpus"
METADATA = {
    "architecture": "fast-scnn", "format": "1", "name": "seed",
    "license": "none", "source": "none", "labels": '["road", "sky"]',
    "colors": "[[128, 64, 128], [70, 130, 180]]",
    "mean": "[0.485, 0.456, 0.406]", "std": "[0.229, 0.224, 0.225]",
    "input_width": "1024", "input_height": "512", "align_corners": "true",
    "first_conv_padding": "0", "dw_relu": "true", "ppm_out_kernel": "1",
    "ffm_dw": "dw3-dilation4", "activation": "relu6",
}

# Activation scales of all convolutions but the last.
SCALES = {layer.name: 0.0125 for layer in fastscnn.layers(
    fastscnn.Variant(activation="relu6"), 64, 64, 2) if layer.op == "conv"}
del SCALES["cls.conv"]


def model(header, data=b""):
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + data


def number(n):
    out = b""
    while n > 127:
        out += bytes([128 | n & 127])
        n >>= 7
    return out + bytes([n])


def string(text):
    return number(len(text)) + text.encode()


def mask_meta(x, y, width, height, runs, confidence=b"\0"):
    head = number(x + 2**31) + number(y + 2**31)
    head += number(640) + number(360) + number(40_000_000)
    head += string("fastscnn0") + string("seed")
    head += number(2) + number(0x804080) + string("road")
    head += number(0x4682b4) + string("sky")
    head += number(1) + string("street") + string("road")
    head += number(1) + string("gate") + number(3)  # a triangle
    for share in 0, 0, 2**32, 0, 0, 2**31:
        head += number(share)
    head += number(width) + number(height)
    for value, length in runs:
        head += bytes([value]) + number(length)
    return head + confidence + number(0)  # no other placements


SEEDS = {
    "model/metadata": model({"__metadata__": METADATA}),
    "model/scales": model({"__metadata__": METADATA
                           | {"activation_scales": json.dumps(SCALES)}}),
    "model/tensors": model({
        "__metadata__": METADATA,
        "lds.conv.weight": {"dtype": "F16", "shape": [2, 1, 1, 1],
                            "data_offsets": [0, 4]},
        "lds.conv.bias": {"dtype": "F32", "shape": [2],
                          "data_offsets": [4, 12]},
    }, bytes(12)),
    "model/empty": model({}),
    "mask-meta/runs": mask_meta(0, 0, 8, 4, [(0, 20), (1, 10), (255, 2)]),
    "mask-meta/confidence": mask_meta(-3, 5, 3, 3, [(0, 4), (1, 5)],
                                      b"\1" + bytes([200]) + number(9)),
    "palette/lines": b"# mine\nroad 128 64 128\ntraffic light 250 170 30 77\n"
                     b'"person" 220 20 60\n',
    "palette/gimp": b"GIMP Palette\nName: mine\nColumns: 2\n#\n"
                    b"128  64 128\troad\n 70 130 180 sky\n",
    "classes/hidden": b"-road, -Traffic_Light\nperson=1.0\n"
                      b"road\ntraffic light\nperson\n",
    "classes/chosen": b"road,person\nroad=0.25,person = 1,sky=.5\n"
                      b"road\nsky\nperson\nRoad\n",
    "json/plain": b"\0" + mask_meta(0, 0, 8, 4, [(0, 20), (1, 10), (255, 2)]),
    "json/all": b"\3" + mask_meta(-3, 5, 5, 3, [(0, 4), (1, 5), (0, 3), (7, 3)],
                                  b"\1" + bytes([200]) + number(15)),
}

for name, data in SEEDS.items():
    path = CORPUS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
