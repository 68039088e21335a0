#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments eight cameras with random faults in one process.

Prints frames, masks, restarts, memory, threads and file descriptors once a
minute. After the first minute, half-way and at the end, the faults pause and free
memory returns to the system, so that memory can be compared. Fails if a stream
stalls then, or if memory grows by more than 1 % after the first minute.
"""

import argparse
import ctypes
import pathlib
import random
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from streams import (CLIP, FaultyCamera, descriptors,  # noqa: E402
                     resident_bytes, run_for, threads)
import camera  # noqa: E402
from gi.repository import Gst  # noqa: E402

STREAMS = 8
FAULTS = ("stall 3", "stall 7", "drop 1", "drop 4", "size", "corrupt 2",
          "jump 20", "jump -20")
GROWTH = 0.01
LIBC = ctypes.CDLL(None)


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
        self.next_line = 0
        self.resized = set()  # servers that send the second size
        self.held = []  # bytes, at every rest
        self.still = set()  # streams without frames at a rest
        self.random = random.Random(1)

    def stat(self, name):
        return sum(self.pipeline.get_by_name(f"net{number}").get_property(
            "stats").get_value(name) for number in range(STREAMS))

    def print_line(self, note=""):
        minutes = (time.monotonic() - self.start) / 60
        print(f"{minutes:5.1f} min  {self.stat('frames'):7} frames  "
              f"{self.stat('inferred'):7} masks  "
              f"{sum(c.restarts for c in self.cameras):4} restarts  "
              f"{resident_bytes() / 1e6:7.1f} MB  "
              f"{threads():3} threads  {descriptors():3} files  {note}",
              flush=True)

    def run(self, minutes):
        self.pipeline.set_state(Gst.State.PLAYING)
        for each in self.cameras:
            each.start()
        for until in (1, minutes / 2, minutes):
            self.disturb(until * 60)
            self.rest()
        for each in self.cameras:
            each.stop()
        self.pipeline.set_state(Gst.State.NULL)
        for server in self.servers:
            server.close()

    def disturb(self, until):
        while (passed := time.monotonic() - self.start) < until:
            if passed >= self.next_line:
                self.print_line()
                self.next_line += 60
            server = self.random.choice(self.servers)
            fault = self.random.choice(FAULTS)
            server.command(fault)
            if fault == "size":
                self.resized ^= {server}
            run_for(1.0)

    def rest(self):
        for server in self.resized:
            server.command("size")
        self.resized.clear()
        run_for(15)  # until the last fault is over
        before = [each.frames for each in self.cameras]
        memory = []
        for _ in range(20):
            run_for(0.25)
            LIBC.malloc_trim(0)
            memory.append(resident_bytes())
        self.held.append(statistics.median(memory))
        self.still |= {number for number, each in enumerate(self.cameras)
                       if each.frames == before[number]}
        self.print_line("at rest")

    def growth(self):
        return self.held[-1] / self.held[0] - 1


def main():
    parser = argparse.ArgumentParser(
        prog="soak.sh", description=__doc__.splitlines()[0])
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("--interval", type=int, default=0)
    options = parser.parse_args()
    Gst.init(None)
    soak = Soak(options.interval)
    soak.run(options.minutes)
    print(f"memory after the first minute: {soak.growth():+.1%}")
    if soak.still:
        sys.exit(f"soak.sh: no frames from streams {sorted(soak.still)}")
    if soak.growth() > GROWTH:
        sys.exit("soak.sh: memory grows")


if __name__ == "__main__":
    main()
