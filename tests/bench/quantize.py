#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Quantises an ONNX model to 8 bits for compare-peers.py, with the tool that the
runtime recommends. Runs in that runtime's environment.

FRAMES is a file of raw RGB frames to calibrate with.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np


def quantize_for_onnxruntime(model, frames, output):
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.inputs = iter([{"frame": frame[None]} for frame in frames])

        def get_next(self):
            return next(self.inputs, None)

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "model.onnx"
        quant_pre_process(model, prepared, skip_symbolic_shape=True)
        quantize_static(prepared, output, Reader(), per_channel=True)


def quantize_for_openvino(model, frames, output):
    import nncf
    import openvino

    dataset = nncf.Dataset(frames, lambda frame: frame[None])
    openvino.save_model(
        nncf.quantize(openvino.Core().read_model(model), dataset,
                      subset_size=len(frames)), output)


def main():
    tools = {"onnxruntime": quantize_for_onnxruntime,
             "openvino": quantize_for_openvino}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtime", choices=tools)
    parser.add_argument("model", help="ONNX file")
    parser.add_argument("frames", help="file")
    parser.add_argument("output", help="file: ONNX, or OpenVINO's .xml")
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    frames = np.fromfile(args.frames, np.uint8).reshape(-1, height, width, 3)
    tools[args.runtime](args.model, frames, args.output)


if __name__ == "__main__":
    main()
