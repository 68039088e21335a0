# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows the progress of a batch to the user."""

import collections
import sys
import threading
import time

from manifest import READABLE

WINDOW = 60  # seconds over which the rate is averaged
EVERY = 30  # seconds between two lines if there is no terminal


class Progress:
    def __init__(self):
        self.total = 0  # frames to segment, of the recordings that are known
        self.unknown = 0  # recordings whose frames are not counted yet
        self.finished = 0
        self.skipped = 0
        self.failures = {}
        self.frames = 0
        self._lock = threading.Lock()
        self._terminal = sys.stderr.isatty()
        self._width = 0
        self.begin()

    def begin(self):
        """Starts the clock, once the workers have started."""
        self._begun = time.monotonic()
        self._samples = collections.deque([(self._begun, 0)])
        self._next = self._begun + (0 if self._terminal else EVERY)

    def add_frames(self, count):
        """May be called in any thread."""
        with self._lock:
            self.frames += count

    def show(self, workers):
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (1 if self._terminal else EVERY)
        self._samples.append((now, self.frames))
        while now - self._samples[0][0] > WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        rate = (self.frames - before) / (now - then) if now > then else 0.0
        parts = [f"{self.finished} recordings done"]
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        parts.append(f"{workers} worker{'s' * (workers != 1)}")
        parts.append(f"{rate:.1f} frames/s")
        if self.unknown:
            parts.append(f"{self.unknown} to look through")
        elif self.total:
            done = min(self.frames / self.total, 1)
            parts.append(f"{done:.0%}")
            if rate:
                parts.append(
                    f"{duration((self.total - self.frames) / rate)} left")
        self._print(", ".join(parts))

    def _print(self, text):
        if self._terminal:
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr,
                  flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self):
        if self._terminal and self._width:
            print(file=sys.stderr)

    def print_table(self, entries):
        """entries: of the manifest, by name."""
        seconds = time.monotonic() - self._begun
        done = [entry for entry in entries.values()
                if entry["state"] in READABLE]
        rows = [("recordings", f"{len(done)}"
                 + (f" ({self.skipped} done before)" if self.skipped else "")),
                ("hours", f"{sum(e['seconds'] for e in done) / 3600:.2f}"),
                ("frames", f"{sum(e['frames'] for e in done)}"),
                ("frames/s", f"{self.frames / seconds:.1f} "
                             f"({self.frames} in {duration(seconds)})"),
                ("failures", f"{len(self.failures)}")]
        for name, value in rows:
            print(f"{name:<12}{value}")
        for where, why in self.failures.items():
            print(f"archive.sh: {where}: {why}", file=sys.stderr)


def duration(seconds):
    seconds = max(0, round(seconds))
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
