#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the speed of the engine with that of other runtimes, with the same
weights and frames.

On the CPU, each runtime runs in its own process and virtual environment (peers.py),
which --install makes. It turns RGB frames into class ids. The masks are compared
first. Then the runtimes take turns, so that a drift of the machine affects all. Each
runtime chooses its precision itself; our engine runs in fp32 and in 8 bits. With
--calibrate, runtimes that support 8 bits also run so, quantised by the tool that each
recommends (quantize.py). --measure gives the mean IoU of each. Needs NumPy and Pillow.
With --cuda, PyTorch (half precision, channels last) and the CUDA engine take turns on
the GPU, with frames and masks in its memory.

Prints a table with the ratios; with --json also a line for each runtime and size.
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

from peerfiles import ROOT, Files, PeerError, agreement, count_classes, mean_iou
from imagefiles import DataError, pairs, spread  # of models/; peerfiles adds the path

SIZES = ((256, 512), (512, 1024), (1024, 2048))
WARM_UP = 20
# Share of pixels that must equal PyTorch's
AGREEMENT = {"fp32": 0.999, "fp16": 0.99}
COARSE_AGREEMENT = 0.9
TURN = 4  # frames
GPU_TURN = 50
PAUSE = 0.2  # seconds for the threads of the previous runtime to fall asleep

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PACKAGES = {"pytorch": ("torch", "numpy", "onnx", "onnxscript"),
            "onnxruntime": ("onnxruntime", "numpy", "onnx"),
            "openvino": ("openvino", "numpy", "nncf")}
ENVIRONMENT = {"pytorch-eager": "pytorch", "pytorch-compiled": "pytorch",
               "onnxruntime": "onnxruntime", "openvino": "openvino"}
QUANTIZED = ("onnxruntime", "openvino")
ENGINE = "fastscnn-cpu"
CUDA_ENGINE = "fastscnn-cuda"


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


class Peer:
    """A process that segments frames on request."""

    def __init__(self, name, command, masks, precision=None):
        """Without `precision`, the process reports its own."""
        self.name = name
        self.masks = masks
        self.process = subprocess.Popen(
            [*map(str, command), "--masks", str(masks)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        try:
            said = self._answer()
        except BaseException:
            self.process.kill()
            raise
        self.version = said["version"]
        self.precision = precision or said["precision"]
        self.times, self.miou = [], None

    def __str__(self):
        return f"{self.name} {self.precision}"

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} has ended; its message is above")
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


def start_peers(args, files, labelled):
    if labelled:
        files.write_images([image for image, _ in labelled], files.frames)
    else:
        files.write_frames_of_clip()
    common = ["--model", args.model, "--threads", args.threads, "--size", files.text]

    def start(name, precision, *options):
        return Peer(name, [python_of(args, ENVIRONMENT[name]),
                           ROOT / "tests/bench/peers.py", name, *common, "--frames",
                           files.frames, *options],
                    files.folder / f"{name}-{precision or 'default'}", precision)

    for name in args.runtimes:
        options = ["--onnx", files.onnx()] if name in QUANTIZED else []
        if args.fp32:
            options.append("--fp32")
        yield start(name, None, *options)
        if args.calibrate and name in QUANTIZED:
            yield start(name, "int8", "--onnx", files.quantized(name, args.calibrate))
    for precision in ("fp32",) if args.fp32 else ("fp32", "int8"):
        yield Peer(ENGINE, [args.bench or ROOT / "build/tests/bench/bench", *common,
                            "--precision", precision, "--serve", files.frames],
                   files.folder / f"{ENGINE}-{precision}", precision)


def check_agreement(peers):
    expected = next((p for p in peers if p.name == "pytorch-eager"), None)
    if not expected:
        print("masks are not compared without pytorch-eager", file=sys.stderr)
        return
    for peer in peers:
        share = agreement(peer.masks, expected.masks)
        print(f"{peer}: {peer.version}, {share:.4%} of pixels equal to PyTorch",
              file=sys.stderr)
        if share < AGREEMENT.get(peer.precision, COARSE_AGREEMENT):
            raise PeerError(f"{peer} disagrees with PyTorch")


def labelled_frames(args):
    """[(image, label)] paths of --measure."""
    if not args.measure:
        return []
    found = pairs(*args.measure)
    return spread(found, args.count or len(found))


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
            peer.run(args.frames or (GPU_TURN if args.cuda else TURN))


def run_on_cpu(args):
    labelled = labelled_frames(args)
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.ExitStack() as stack:
            files = Files(args.model, size, Path(folder), args.keep,
                          lambda name: python_of(args, name))
            peers = []
            for peer in start_peers(args, files, labelled):
                stack.callback(peer.close)
                peers.append(peer)
                if labelled:
                    peer.miou = mean_iou(peer.masks, size,
                                         [label for _, label in labelled],
                                         count_classes(args.model))
            check_agreement(peers)
            for busy in sorted({0, args.busy}):
                with busy_processes(busy):
                    take_turns(args, peers)
                for peer in peers:
                    yield {**describe(peer.name, "cpu", peer.version, *size,
                                      peer.times, peer.peak_bytes()),
                           "threads": args.threads, "busy": busy,
                           "precision": peer.precision,
                           **({"miou": round(peer.miou, 4)} if labelled else {})}


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


class TorchPeer:
    """A Peer in this process, on the GPU."""

    def __init__(self, args, name, frames, masks):
        import torch

        self.name, self.precision = name, "fp16"
        self.masks = masks
        self.version = f"PyTorch {torch.__version__}"
        self.times = []
        self._frames = frames
        self._segment = prepare(args.model, name == "pytorch-compiled")
        with torch.inference_mode(), masks.open("wb") as file:
            for frame in frames:
                file.write(self._segment(frame).cpu().numpy().tobytes())

    def __str__(self):
        return f"{self.name} {self.precision}"

    def run(self, count):
        """Times each frame with the device's clock."""
        import torch

        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        with torch.inference_mode():
            for i in range(count):
                begin.record()
                self._segment(self._frames[i % len(self._frames)])
                end.record()
                end.synchronize()
                self.times.append(begin.elapsed_time(end))

    def close(self):
        self._segment = None


def start_gpu_peers(args, height, width, folder):
    import torch

    files = Files(args.model, (height, width), folder, None, None)
    files.write_frames_of_clip()
    file = files.frames
    frames = torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8)
    frames = frames.view(-1, 1, height, width, 3).permute(0, 1, 4, 2, 3)
    frames = [frame.contiguous().cuda() for frame in frames]
    for name in args.runtimes:
        if name.startswith("pytorch"):
            yield TorchPeer(args, name, frames, folder / name)
    plans = ["--plans", args.plans] if args.plans else []
    yield Peer(CUDA_ENGINE, [args.bench or ROOT / "build/tests/bench/bench",
                             "--backend", "cuda", "--model", args.model, *plans,
                             "--size", f"{width}x{height}", "--serve", file],
               folder / CUDA_ENGINE, "fp16")


def run_on_gpu(args):
    import torch

    torch.backends.cudnn.benchmark = True
    for height, width in args.sizes:
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.ExitStack() as stack:
            peers = []
            for peer in start_gpu_peers(args, height, width, Path(folder)):
                stack.callback(peer.close)
                peers.append(peer)
            check_agreement(peers)
            for peer in peers:
                peer.run(WARM_UP)
            take_turns(args, peers)
            for peer in peers:
                yield describe(peer.name, "cuda", peer.version, height, width,
                               peer.times, 0)


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
    """Ratios are to our engine in fp32 and in 8 bits."""
    groups = {}
    for r in results:
        key = r["width"], r["height"], r.get("busy", 0)
        runtime = r["name"], r.get("precision", "fp16")
        groups.setdefault(key, {}).setdefault(runtime, []).append(r)
    print(f"{'size':<11}{'busy':>4}  {'runtime':<24}{'ms':>9}{'min':>9}{'p95':>9}"
          f"{'MiB':>7}{'ratios':>15}{'mIoU':>8}", file=sys.stderr)
    for (width, height, busy), runtimes in groups.items():
        medians = {runtime: statistics.median(r["ms_median"] for r in all_of)
                   for runtime, all_of in runtimes.items()}
        ours = [ms for (name, _), ms in medians.items() if name.startswith("fastscnn")]
        for runtime, ms in sorted(medians.items(), key=lambda item: item[1]):
            least = min(r.get("ms_min", r["ms_median"]) for r in runtimes[runtime])
            p95 = max(r["ms_p95"] for r in runtimes[runtime])
            peak = max(r.get("peak_bytes", 0) for r in runtimes[runtime]) >> 20
            ratios = " ".join(f"{ms / our:.2f}" for our in ours)
            miou = runtimes[runtime][0].get("miou", "")
            print(f"{f'{width}x{height}':<11}{busy:>4}  {' '.join(runtime):<24}"
                  f"{ms:>9.3f}{least:>9.3f}{p95:>9.3f}{peak:>7}{ratios:>15}"
                  f"{miou:>8}", file=sys.stderr)


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
    parser.add_argument("--plans", help="with --cuda: the file that keeps the "
                        "engine's plans")
    parser.add_argument("--size", dest="sizes", type=parse_size, action="append",
                        metavar="WxH", help="may be repeated (default: 512x256, "
                        "1024x512, 2048x1024)")
    parser.add_argument("--runtime", dest="runtimes", action="append",
                        choices=ENVIRONMENT, help="may be repeated (default: all)")
    parser.add_argument("--fp32", action="store_true",
                        help="everything in single precision")
    parser.add_argument("--calibrate", type=Path, metavar="IMAGES",
                        help="also run in 8 bits, calibrated with 16 of these images")
    parser.add_argument("--measure", type=Path, nargs=2, metavar=("IMAGES", "LABELS"),
                        help="segment these, not the clip, and give the mean IoU")
    parser.add_argument("--count", type=int,
                        help="frames of --measure to use, evenly (default: all)")
    parser.add_argument("--keep", type=Path, metavar="DIR",
                        help="where exported and quantised models stay for the next "
                        "time (empty it to calibrate with other frames)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(),
                        help="of each runtime (default: one per core)")
    parser.add_argument("--busy", type=int, default=0, metavar="N",
                        help="measure also while N other processes compete")
    parser.add_argument("--json", action="store_true",
                        help="also print one JSON object per line to standard output")
    parser.add_argument("--frames", type=int, help="frames per turn")
    parser.add_argument("--rounds", type=int, help="turns of each runtime")
    parser.add_argument("--install", action="store_true",
                        help="make or update the environments of the runtimes")
    parser.add_argument("--environments", type=Path, metavar="DIR",
                        default=CACHE / "gst-fastscnn/peers",
                        help="folder of the environments (default: %(default)s)")
    args = parser.parse_args()
    if args.fp32 and args.calibrate:
        parser.error("--fp32 excludes --calibrate")
    if args.count is not None and args.count < 1:
        parser.error("--count: must be 1 or more")
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
    # A process that is left behind would compete with later ones.
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
    except (DataError, PeerError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"compare-peers: {error}")
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
