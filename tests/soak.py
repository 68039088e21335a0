#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Eight cameras with random faults in one process, for as long as asked.

Once a minute: frames and masks so far, connections made again, memory,
threads and file descriptors. Fails if a stream stands still or if memory
grows by more than 1 % after the first minute.
"""

import argparse
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "pipelines"))

from support import (CLIP, FaultyCamera, descriptors,  # noqa: E402
                     resident_bytes, run_for, threads)
import camera  # noqa: E402
from gi.repository import Gst  # noqa: E402

STREAMS = 8
FAULTS = ("stall 3", "stall 7", "drop 1", "drop 4", "size", "corrupt 2",
          "jump 20", "jump -20")
GROWTH = 0.01


class Soak:
    def __init__(self, interval):
        self.servers = [FaultyCamera("--clip", str(CLIP))
                        for _ in range(STREAMS)]
        self.pipeline = Gst.parse_launch("\n".join(
            f"{camera.APPSRC.format(name=f'camera{number}')} ! "
            f"videoconvert ! fastscnn name=net{number} async=true "
            f"interval={interval} ! classmaskoverlay ! fakesink sync=false"
            for number in range(STREAMS)))
        self.cameras = [
            camera.Camera(server.url(),
                          self.pipeline.get_by_name(f"camera{number}"),
                          report=lambda text: None)
            for number, server in enumerate(self.servers)]
        self.start = time.monotonic()
        self.memory = []  # (seconds, bytes)
        self.random = random.Random(1)

    def stat(self, name):
        return sum(self.pipeline.get_by_name(f"net{number}").get_property(
            "stats").get_value(name) for number in range(STREAMS))

    def print_line(self):
        minutes = (time.monotonic() - self.start) / 60
        print(f"{minutes:5.1f} min  {self.stat('frames'):7} frames  "
              f"{self.stat('inferred'):7} masks  "
              f"{sum(c.restarts for c in self.cameras):4} restarts  "
              f"{self.memory[-1][1] / 1e6:7.1f} MB  "
              f"{threads():3} threads  {descriptors():3} files", flush=True)

    def run(self, minutes):
        self.pipeline.set_state(Gst.State.PLAYING)
        for each in self.cameras:
            each.start()
        next_line = 0
        while (passed := time.monotonic() - self.start) < minutes * 60:
            self.memory.append((passed, resident_bytes()))
            if passed >= next_line:
                self.print_line()
                next_line += 60
            self.random.choice(self.servers).command(
                self.random.choice(FAULTS))
            run_for(1.0)
        run_for(10)  # the last fault is over
        before = [each.frames for each in self.cameras]
        run_for(5)
        still = [number for number, each in enumerate(self.cameras)
                 if each.frames == before[number]]
        self.print_line()
        for each in self.cameras:
            each.stop()
        self.pipeline.set_state(Gst.State.NULL)
        for server in self.servers:
            server.close()
        return still

    def growth(self):
        """From the second minute to the last, medians of both."""
        end = self.memory[-1][0]
        early = [size for at, size in self.memory if 60 <= at < 120]
        late = [size for at, size in self.memory if at >= end - 60]
        if not early or end < 180:
            return None
        return statistics.median(late) / statistics.median(early) - 1


def main():
    parser = argparse.ArgumentParser(
        prog="soak.sh", description=__doc__.splitlines()[0])
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("--interval", type=int, default=0)
    options = parser.parse_args()
    Gst.init(None)
    soak = Soak(options.interval)
    still = soak.run(options.minutes)
    growth = soak.growth()
    if growth is not None:
        print(f"memory after the first minute: {growth:+.1%}")
    if still:
        sys.exit(f"soak.sh: no frames from streams {still}")
    if growth is not None and growth > GROWTH:
        sys.exit("soak.sh: memory grows")


if __name__ == "__main__":
    main()
