#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one runtime for compare-peers.py, in its own process and environment.

Segments the frames of a file (raw RGB) and writes their masks to another. Then, for
each number N that it reads, segments N frames and prints the milliseconds of each.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))

WARM_UP = 3


def prepare_pytorch(args, compiled):
    """Batch norm folded, channels last: PyTorch's fastest."""
    if compiled:
        os.environ["TORCHINDUCTOR_FREEZING"] = "1"
    import torch
    from modelfile import load
    from network import class_map

    torch.set_num_threads(args.threads)
    net, info = load(args.model)
    net = net.to(memory_format=torch.channels_last)
    mean = torch.tensor(info.mean).reshape(1, 3, 1, 1) * 255
    std = torch.tensor(info.std).reshape(1, 3, 1, 1) * 255
    align = net.variant.align_corners

    def segment(frame):
        image = (frame.permute(0, 3, 1, 2).float() - mean) / std
        return class_map(net(image), frame.shape[1:3], align).to(torch.uint8)

    if compiled:
        segment = torch.compile(segment, mode="max-autotune", fullgraph=True,
                                dynamic=False)

    def run(frame):
        with torch.inference_mode():
            return segment(torch.from_numpy(frame)[None])[0].numpy()

    return run, f"PyTorch {torch.__version__}"


def prepare_onnxruntime(args):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.onnx, options,
                                           providers=["CPUExecutionProvider"])
    return (lambda frame: session.run(None, {"frame": frame[None]})[0][0],
            f"ONNX Runtime {onnxruntime.__version__}")


def prepare_openvino(args):
    import openvino

    # Single precision, like the others.
    model = openvino.compile_model(args.onnx, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": args.threads,
        "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    return (lambda frame: request.infer([frame[None]], share_inputs=True,
                                        share_outputs=True)[0][0],
            f"OpenVINO {openvino.__version__}")


RUNTIMES = {
    "pytorch-eager": lambda args: prepare_pytorch(args, False),
    "pytorch-compiled": lambda args: prepare_pytorch(args, True),
    "onnxruntime": prepare_onnxruntime,
    "openvino": prepare_openvino,
}


def answer(**values):
    print(json.dumps(values), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument("--model", required=True)
    parser.add_argument("--onnx")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    parser.add_argument("--frames", required=True, help="file")
    parser.add_argument("--masks", required=True, help="file")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    frames = np.fromfile(args.frames, np.uint8).reshape(-1, height, width, 3)
    segment, version = RUNTIMES[args.runtime](args)
    # Copy, because a runtime may reuse the memory of a mask.
    np.stack([segment(f).copy() for f in frames]).tofile(args.masks)
    for i in range(WARM_UP):
        segment(frames[i % len(frames)])
    answer(version=version)
    for line in sys.stdin:
        times = []
        for i in range(int(line)):
            begin = time.perf_counter()
            segment(frames[i % len(frames)])
            times.append(1000 * (time.perf_counter() - begin))
        answer(ms=times)


if __name__ == "__main__":
    main()
