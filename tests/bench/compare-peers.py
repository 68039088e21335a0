#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the speed of the engine with that of other runtimes, with the same
weights and frames.

On the CPU, each runtime runs in its own process and virtual environment (peers.py),
which --install makes. It turns RGB frames into class ids, and the runtimes take
turns, so that a drift of the machine affects all. Masks are compared first. With
--cuda, PyTorch runs on a GPU beside the benchmark of the CUDA engine, with frames
and masks in device memory.

Prints the benchmark's line for each runtime and size, then the ratios.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))

SIZES = ((256, 512), (512, 1024), (1024, 2048))
WARM_UP = 20
AGREEMENT = 0.999  # share of pixels that must equal PyTorch's
FRAMES = 4
PAUSE = 0.2  # seconds for the threads of the previous runtime to fall asleep

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PACKAGES = {"pytorch": ("torch", "numpy", "onnx", "onnxscript"),
            "onnxruntime": ("onnxruntime", "numpy"),
            "openvino": ("openvino", "numpy")}
ENVIRONMENT = {"pytorch-eager": "pytorch", "pytorch-compiled": "pytorch",
               "onnxruntime": "onnxruntime", "openvino": "openvino"}
ENGINE = "fastscnn-cpu"


class PeerError(Exception):
    """An error message for the user."""


# On the CPU.

def python_of(args, environment):
    return args.environments / environment / "bin/python"


def install(args):
    for name, packages in PACKAGES.items():
        python = python_of(args, name)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", python.parent.parent],
                           check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade",
                        *packages], check=True)


def write_frames(path, height, width):
    """Decoded frames of the included clip."""
    clip = ROOT / "pipelines/street.mp4"
    subprocess.run(
        ["gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!", "decodebin",
         "!", "videorate", "!", "video/x-raw,framerate=2/1", "!", "videoconvert",
         "!", "videoscale", "add-borders=false", "!", "video/x-raw,format=RGB,"
         f"width={width},height={height},pixel-aspect-ratio=1/1", "!",
         "filesink", f"location={path}"], check=True)
    if path.stat().st_size < FRAMES * 3 * height * width:
        raise PeerError(f"{clip} has too few frames")
    os.truncate(path, FRAMES * 3 * height * width)


class Peer:
    """A process that segments frames on request."""

    def __init__(self, name, command, masks):
        self.name = name
        self.masks = masks
        self.process = subprocess.Popen(
            [*map(str, command), "--masks", str(masks)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.version = self._answer()["version"]
        self.times = []

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} has ended")
        return json.loads(line)

    def run(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        self.times += self._answer()["ms"]

    def peak_bytes(self):
        """Peak memory of the whole process, including the runtime's code."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def start_peers(args, height, width, folder):
    frames = folder / "frames"
    write_frames(frames, height, width)
    onnx = folder / "model.onnx"
    size = f"{width}x{height}"
    if {"onnxruntime", "openvino"} & set(args.runtimes):
        subprocess.run([python_of(args, "pytorch"), ROOT / "models/export_onnx.py",
                        args.model, onnx, "--size", size], check=True,
                       stdout=subprocess.DEVNULL)
    common = ["--model", args.model, "--threads", args.threads, "--size", size]
    for name in args.runtimes:
        command = [python_of(args, ENVIRONMENT[name]), ROOT / "tests/bench/peers.py",
                   name, *common, "--onnx", onnx, "--frames", frames]
        yield Peer(name, command, folder / name)
    yield Peer(ENGINE, [args.bench or ROOT / "build/tests/bench/bench", *common,
                        "--precision", "fp32", "--serve", frames], folder / ENGINE)


def check_agreement(peers):
    expected = next((p for p in peers if p.name == "pytorch-eager"), None)
    if not expected:
        print("masks are not compared without pytorch-eager", file=sys.stderr)
        return
    reference = expected.masks.read_bytes()
    for peer in peers:
        mask = peer.masks.read_bytes()
        differ = sum(a != b for a, b in zip(reference, mask))
        share = 1 - differ / len(reference)
        print(f"{peer.name}: {peer.version}, {share:.4%} of pixels as PyTorch",
              file=sys.stderr)
        if len(mask) != len(reference) or share < AGREEMENT:
            raise PeerError(f"{peer.name} does not see what PyTorch sees")


@contextlib.contextmanager
def busy_processes(count):
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
                for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def take_turns(args, peers):
    for peer in peers:
        peer.times.clear()
    for turn in range(args.rounds):
        first = turn % len(peers)
        for peer in peers[first:] + peers[:first]:
            time.sleep(PAUSE)
            peer.run(args.frames or FRAMES)


def run_on_cpu(args):
    for height, width in args.sizes:
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.ExitStack() as stack:
            peers = []
            for peer in start_peers(args, height, width, Path(folder)):
                stack.callback(peer.close)
                peers.append(peer)
            check_agreement(peers)
            for busy in sorted({0, args.busy}):
                with busy_processes(busy):
                    take_turns(args, peers)
                for peer in peers:
                    yield {**describe(peer.name, "cpu", peer.version, height,
                                      width, peer.times, peer.peak_bytes()),
                           "threads": args.threads, "busy": busy}


# On a GPU.

def prepare(model, compiled):
    """Returns a function from bytes to class ids (fp16, channels last)."""
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
        return torch.compile(segment, mode="max-autotune", fullgraph=True,
                             dynamic=False)
    return segment


def time_runtime(segment, frames, count):
    """Times each run in milliseconds with the device's clock."""
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


def run_peers(args):
    import torch

    device = torch.cuda.get_device_name()
    torch.backends.cudnn.benchmark = True
    runtimes = {name: prepare(args.model, name == "pytorch-compiled")
                for name in args.runtimes if name.startswith("pytorch")}
    generator = torch.Generator().manual_seed(1)
    for height, width in args.sizes:
        frames = [torch.randint(0, 256, (1, 3, height, width), dtype=torch.uint8,
                                generator=generator).cuda() for _ in range(4)]
        collected = {name: [] for name in runtimes}
        peaks = {}
        for _ in range(args.rounds):
            for name, segment in runtimes.items():
                torch.cuda.reset_peak_memory_stats()
                collected[name] += time_runtime(segment, frames,
                                                args.frames or 50)
                peaks[name] = torch.cuda.max_memory_allocated()
        for name, times in collected.items():
            yield describe(name, "cuda", device, height, width, times, peaks[name])


def run_engine(args, plans):
    bench = args.bench or ROOT / "build/tests/bench/bench"
    sizes = [f"--size={width}x{height}" for height, width in args.sizes]
    done = subprocess.run([bench, "--backend", "cuda", "--json", "--model",
                           args.model, "--plans", plans, *sizes], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise PeerError(done.stderr.strip() or f"{bench} failed")
    for line in done.stdout.splitlines():
        result = json.loads(line)
        if result.get("memory") == "device":
            yield result


def run_on_gpu(args):
    # The engine runs before and after, so that a drift of the machine shows.
    with tempfile.TemporaryDirectory() as folder:
        plans = Path(folder) / "plans"
        yield from run_engine(args, plans)
        yield from run_peers(args)
        yield from run_engine(args, plans)


# Results.

def describe(name, backend, device, height, width, times, peak):
    times = sorted(times)
    median = statistics.median(times)
    return {"name": name, "backend": backend, "device": device,
            "width": width, "height": height, "batch": 1,
            "ms_median": round(median, 4), "ms_min": round(times[0], 4),
            "ms_p95": round(times[len(times) * 95 // 100], 4),
            "fps": round(1000 / median, 1), "peak_bytes": peak, "stage": {}}


def print_table(results):
    groups = {}
    for r in results:
        key = r["width"], r["height"], r.get("busy", 0)
        groups.setdefault(key, {}).setdefault(r["name"], []).append(r)
    print(f"{'size':<11}{'busy':>4}  {'runtime':<18}{'ms':>9}{'min':>9}{'p95':>9}"
          f"{'MiB':>7}{'ratio':>7}", file=sys.stderr)
    for (width, height, busy), runtimes in groups.items():
        medians = {name: statistics.median(r["ms_median"] for r in all_of)
                   for name, all_of in runtimes.items()}
        ours = next((ms for name, ms in medians.items()
                     if name.startswith("fastscnn")), None)
        for name, ms in sorted(medians.items(), key=lambda item: item[1]):
            least = min(r.get("ms_min", r["ms_median"]) for r in runtimes[name])
            p95 = max(r["ms_p95"] for r in runtimes[name])
            peak = max(r.get("peak_bytes", 0) for r in runtimes[name]) >> 20
            ratio = f"{ms / ours:.2f}" if ours else "-"
            print(f"{f'{width}x{height}':<11}{busy:>4}  {name:<18}{ms:>9.3f}"
                  f"{least:>9.3f}{p95:>9.3f}{peak:>7}{ratio:>7}", file=sys.stderr)


def parse_size(text):
    try:
        width, height = (int(n) for n in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not WIDTHxHEIGHT") from None
    return height, width


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuda", action="store_true",
                        help="compare on the GPU")
    parser.add_argument("--model", help="safetensors file",
                        default=str(ROOT / "models/fastscnn-camvid.safetensors"))
    parser.add_argument("--bench", help="the engine's benchmark")
    parser.add_argument("--size", dest="sizes", type=parse_size, action="append",
                        metavar="WxH", help="may be repeated (default: 512x256, "
                        "1024x512, 2048x1024)")
    parser.add_argument("--runtime", dest="runtimes", action="append",
                        choices=ENVIRONMENT, help="may be repeated (default: all)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(),
                        help="of each runtime (default: one a core)")
    parser.add_argument("--busy", type=int, default=0, metavar="N",
                        help="also beside N processes that compete")
    parser.add_argument("--json", action="store_true",
                        help="also one JSON object a line, on standard output")
    parser.add_argument("--frames", type=int, help="a turn")
    parser.add_argument("--rounds", type=int, help="turns of each runtime")
    parser.add_argument("--install", action="store_true",
                        help="make or update the environments of the runtimes")
    parser.add_argument("--environments", type=Path, metavar="DIR",
                        default=CACHE / "gst-fastscnn/peers",
                        help="where they are (default: %(default)s)")
    args = parser.parse_args()
    args.sizes = args.sizes or SIZES
    args.runtimes = args.runtimes or list(ENVIRONMENT)
    args.rounds = args.rounds or (3 if args.cuda else 10)
    return args


def can_use_gpu():
    try:
        import torch
    except ImportError:
        raise PeerError("PyTorch is not installed") from None
    return torch.cuda.is_available()


def check_environments(args):
    for name in sorted({ENVIRONMENT[runtime] for runtime in args.runtimes}):
        if not python_of(args, name).exists():
            raise PeerError(f"There is no environment {args.environments / name}; "
                            "--install makes it")


def main():
    args = parse_args()
    # A process that is left would compete with others.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if args.install:
            install(args)
        if args.cuda and not can_use_gpu():
            print("PyTorch sees no GPU: nothing is compared", file=sys.stderr)
            return 77
        if not args.cuda:
            check_environments(args)
        results = []
        for result in run_on_gpu(args) if args.cuda else run_on_cpu(args):
            results.append(result)
            if args.json:
                print(json.dumps(result), flush=True)
    except (PeerError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"compare-peers: {error}")
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
