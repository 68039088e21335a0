#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times pipelines/archive.sh: frames per second with one and with two workers of one
thread each, and the overhead of a piece. Run it in the development
environment, on a machine with nothing else to do.

    meson devenv -C build -w . tests/bench/archive.py
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / "pipelines/archive"
CALLS = 300


def record(path, seconds, size):
    """Records a video with a key frame every two seconds, as from a camera."""
    width, height = size.split("x")
    subprocess.run(
        ["gst-launch-1.0", "-q", "videotestsrc", "pattern=ball",
         f"num-buffers={25 * seconds}", "!",
         f"video/x-raw,width={width},height={height},framerate=25/1", "!",
         "x264enc", "key-int-max=50", "speed-preset=veryfast", "!", "mp4mux", "!",
         "filesink", f"location={path}"], check=True)


def run(path, out, workers, piece):
    """Returns (frames, frames/s) of a batch, without the start of its workers."""
    result = subprocess.run(
        [ARCHIVE / "archive.py", path, "--out", out, "--workers", str(workers),
         "--piece", str(piece)], check=True, stdout=subprocess.PIPE, text=True)
    frames, rate = (re.search(pattern, result.stdout, re.M)[1] for pattern in
                    (r"^frames +(\d+)", r"^frames/s +([\d.]+)"))
    return int(frames), float(rate)


def time_call():
    """Seconds that Dask takes for a call that does nothing."""
    sys.path.insert(0, str(ARCHIVE))
    import cluster
    with cluster.open_cluster(None, 1) as client:
        client.submit(abs, 0).result()
        begun = time.monotonic()
        for number in range(CALLS):
            client.submit(abs, -number, pure=False).result()
        return (time.monotonic() - begun) / CALLS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="length of the video")
    parser.add_argument("--size", default="1280x720", help="size of the frames")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        record(folder / "a.mp4", options.seconds, options.size)
        rates = {}
        for workers, piece in ((1, 0), (1, 4), (2, 4), (2, 20)):
            frames, rate = run(folder / "a.mp4", folder / f"{workers}-{piece}",
                               workers, piece)
            rates[workers, piece] = rate
            print(f"{workers} worker(s), pieces of {piece or options.seconds} s: "
                  f"{rate:.1f} frames/s", flush=True)
        pieces = options.seconds // 4
        cost = frames / rates[1, 4] - frames / rates[1, 0]
        print(f"a piece costs {1000 * cost / (pieces - 1):.0f} ms on top of its "
              f"frames; a call of Dask {1000 * time_call():.1f} ms")


if __name__ == "__main__":
    main()
