#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one runtime for compare-peers.py, in its own process and environment.

Segments the frames of a file (raw RGB) and writes their masks to another. Then, for
each number N that it reads, segments N of the first frames and prints the
milliseconds of each.
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
TIMED_FRAMES = 4


def prepare_pytorch(args, compiled):
    """Prepares PyTorch's fastest form: batch norm folded, channels last."""
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

    return run, f"PyTorch {torch.__version__}", "fp32"


def prepare_onnxruntime(args):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.onnx, options,
                                           providers=["CPUExecutionProvider"])
    return (lambda frame: session.run(None, {"frame": frame[None]})[0][0],
            f"ONNX Runtime {onnxruntime.__version__}", "fp32")


def prepare_openvino(args):
    import openvino

    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": args.threads}
    if args.fp32:
        options["INFERENCE_PRECISION_HINT"] = "f32"
    model = openvino.compile_model(args.onnx, "CPU", options)
    precision = model.get_property("INFERENCE_PRECISION_HINT").to_string()
    request = model.create_infer_request()
    return (lambda frame: request.infer([frame[None]], share_inputs=True,
                                        share_outputs=True)[0][0],
            f"OpenVINO {openvino.__version__}", precision.replace("f32", "fp32"))


RUNTIMES = {
    "pytorch-eager": lambda args: prepare_pytorch(args, False),
    "pytorch-compiled": lambda args: prepare_pytorch(args, True),
    "onnxruntime": prepare_onnxruntime,
    "openvino": prepare_openvino,
}


def read_frames(path, height, width):
    """Yields one frame at a time: there may be many."""
    size = height * width * 3
    with open(path, "rb") as file:
        while len(frame := np.fromfile(file, np.uint8, size)) == size:
            yield frame.reshape(height, width, 3)


def answer(**values):
    print(json.dumps(values), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runtime", choices=RUNTIMES)
    parser.add_argument("--model", required=True)
    parser.add_argument("--onnx", help="or OpenVINO's .xml")
    parser.add_argument("--fp32", action="store_true",
                        help="compute in fp32, whatever the runtime would choose")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    parser.add_argument("--frames", required=True, help="file to read")
    parser.add_argument("--masks", required=True, help="file to write")
    args = parser.parse_args()
    width, height = (int(n) for n in args.size.split("x"))
    segment, version, precision = RUNTIMES[args.runtime](args)
    frames = []
    with open(args.masks, "wb") as masks:
        for frame in read_frames(args.frames, height, width):
            masks.write(np.ascontiguousarray(segment(frame)).tobytes())
            if len(frames) < TIMED_FRAMES:
                frames.append(frame)
    for i in range(WARM_UP):
        segment(frames[i % len(frames)])
    answer(version=version, precision=precision)
    for line in sys.stdin:
        times = []
        for i in range(int(line)):
            begin = time.perf_counter()
            segment(frames[i % len(frames)])
            times.append(1000 * (time.perf_counter() - begin))
        answer(ms=times)


if __name__ == "__main__":
    main()
