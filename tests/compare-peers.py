#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times PyTorch on a GPU beside the CUDA engine: same weights, same frames, one run.

Every runtime turns frames of bytes on the device (RGB, 3 x H x W) into class
ids on the device: normalisation, network, interpolation of the logits, argmax.
The engine is timed by its own benchmark in between, so that all see the same
machine. Prints the lines of the benchmark, one a runtime and size, and the
ratios last.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "models"))

SIZES = ((256, 512), (512, 1024), (1024, 2048))
WARM_UP = 20


def prepare(model, compiled):
    """A function from bytes to class ids, in half precision, channels last."""
    import torch
    from network import class_map
    from modelfile import load

    net, info = load(model)
    net = net.half().cuda().to(memory_format=torch.channels_last)
    mean = torch.tensor(info.mean).view(1, 3, 1, 1).cuda().half() * 255
    std = torch.tensor(info.std).view(1, 3, 1, 1).cuda().half() * 255
    align = net.variant.align_corners

    def segment(frame):
        image = (frame.half() - mean) / std
        image = image.contiguous(memory_format=torch.channels_last)
        return class_map(net(image), frame.shape[2:], align).to(torch.uint8)

    if compiled:
        return torch.compile(segment, mode="max-autotune", fullgraph=True)
    return segment


def time_runtime(segment, frames, count):
    """Milliseconds of each run, by the device's clock."""
    import torch

    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    times = []
    with torch.inference_mode():
        for i in range(WARM_UP + count):
            frame = frames[i % len(frames)]
            begin.record()
            segment(frame)
            end.record()
            end.synchronize()
            if i >= WARM_UP:
                times.append(begin.elapsed_time(end))
    return times


def describe(name, device, height, width, times, peak):
    times = sorted(times)
    median = statistics.median(times)
    return {"name": name, "backend": "cuda", "device": device,
            "width": width, "height": height, "batch": 1,
            "ms_median": round(median, 4),
            "ms_p95": round(times[len(times) * 95 // 100], 4),
            "fps": round(1000 / median, 1), "peak_bytes": peak, "stage": {}}


def run_peers(args):
    import torch

    device = torch.cuda.get_device_name()
    torch.backends.cudnn.benchmark = True
    runtimes = {"pytorch-eager": prepare(args.model, False)}
    if not args.no_compile:
        runtimes["pytorch-compiled"] = prepare(args.model, True)
    generator = torch.Generator().manual_seed(1)
    for height, width in SIZES:
        frames = [torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8,
                                generator=generator).cuda() for _ in range(4)]
        collected = {name: [] for name in runtimes}
        peaks = {}
        for _ in range(args.rounds):
            for name, segment in runtimes.items():
                torch.cuda.reset_peak_memory_stats()
                collected[name] += time_runtime(segment, frames, args.frames)
                peaks[name] = torch.cuda.max_memory_allocated()
        for name, times in collected.items():
            yield describe(name, device, height, width, times, peaks[name])


def run_engine(args):
    done = subprocess.run([args.bench, args.model], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip() or f"{args.bench} failed")
    for line in done.stdout.splitlines():
        result = json.loads(line)
        if result.get("memory") == "device":
            yield result


def median_by_size(results):
    times = {}
    for r in results:
        key = r["name"], r["height"], r["width"]
        times.setdefault(key, []).append(r["ms_median"])
    return {key: statistics.median(values) for key, values in times.items()}


def print_table(results):
    times = median_by_size(results)
    print(f"{'size':<12}{'runtime':<20}{'ms':>9}{'ratio':>8}", file=sys.stderr)
    for height, width in SIZES:
        ours = times.get(("fastscnn-cuda", height, width))
        for (name, h, w), ms in times.items():
            if (h, w) != (height, width):
                continue
            ratio = f"{ms / ours:.2f}" if ours else "-"
            print(f"{f'{width}x{height}':<12}{name:<20}{ms:>9.3f}{ratio:>8}",
                  file=sys.stderr)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuda", action="store_true", required=True,
                        help="compare on the GPU")
    parser.add_argument("--model", required=True, help="safetensors file")
    parser.add_argument("--bench", default=str(ROOT / "build/tests/gpu/bench-gpu"),
                        help="the engine's benchmark")
    parser.add_argument("--json", action="store_true",
                        help="one JSON object a line instead of a table")
    parser.add_argument("--frames", type=int, default=200, help="a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-compile", action="store_true",
                        help="leave out torch.compile")
    return parser.parse_args()


def main():
    args = parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed")
    if not torch.cuda.is_available():
        print("PyTorch sees no GPU: nothing is compared", file=sys.stderr)
        return 77
    # The engine before and after: a drift of the machine shows as a spread.
    results = [*run_engine(args), *run_peers(args), *run_engine(args)]
    if args.json:
        for result in results:
            print(json.dumps(result))
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
