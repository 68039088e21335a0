#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures what segmentation costs live streams: cameras of 640x360 at 25 frames per
second over RTSP on loopback. Run it on an idle machine; it asserts nothing.

    meson devenv -C build -w . tests/bench/bench-streams.py [async] [qos] [streams]
"""

import argparse
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from streams import CLIP, FaultyCamera, run_for, wait_until  # noqa: E402
import camera  # noqa: E402
from gi.repository import Gst  # noqa: E402

RATE = 25
ENOUGH = 24.0  # frames per second that the slowest of many streams must reach


class Stream:
    """A camera, `middle` and a sink; counts frames and measures their delay."""

    def __init__(self, url, middle, sink):
        self.pipeline = Gst.parse_launch(
            f"{camera.APPSRC.format(name='frames')} ! {middle} ! "
            f"fakesink name=sink {sink}")
        source = self.pipeline.get_by_name("frames")
        self.camera = camera.Camera(url, source, report=lambda text: None)
        self.came = {}  # arrival time by timestamp
        self.left = 0
        self.delays = []  # seconds, of frames since start_over ()
        source.get_static_pad("src").add_probe(
            Gst.PadProbeType.BUFFER, self.on_came)
        self.pipeline.get_by_name("sink").get_static_pad("sink").add_probe(
            Gst.PadProbeType.BUFFER, self.on_left)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.camera.start()

    def on_came(self, _pad, info):
        self.came[info.get_buffer().pts] = time.monotonic()
        return Gst.PadProbeReturn.OK

    def on_left(self, _pad, info):
        self.left += 1
        self.delays.append(
            time.monotonic() - self.came[info.get_buffer().pts])
        return Gst.PadProbeReturn.OK

    def stat(self, name):
        net = self.pipeline.get_by_name("net")
        return net.get_property("stats").get_value(name) if net else 0

    def start_over(self):
        self.delays.clear()
        self.masks = self.stat("inferred")
        self.late = self.stat("late")

    def read(self, seconds):
        """The result since start_over (), `seconds` ago."""
        self.rate = len(self.delays) / seconds
        self.masks = (self.stat("inferred") - self.masks) / seconds
        self.late = self.stat("late") - self.late

    def close(self):
        """Ends the stream; sets lost, the number of frames that never left."""
        self.camera.stop()
        wait_until(lambda: self.left == self.camera.frames, 2)
        self.lost = self.camera.frames - self.left
        self.pipeline.set_state(Gst.State.NULL)


def measure(middle, seconds, count=1, sink="sync=false"):
    """Runs streams until they are warm, then for `seconds`."""
    server = FaultyCamera("--clip", str(CLIP), "--rate", str(RATE))
    streams = [Stream(server.url(str(number)), middle, sink)
               for number in range(count)]
    if not wait_until(lambda: all(s.camera.frames > 2 * RATE
                                  for s in streams), 30):
        sys.exit("bench-streams.py: a camera sends nothing")
    begin = time.monotonic()
    for stream in streams:
        stream.start_over()
    run_for(seconds)
    passed = time.monotonic() - begin
    for stream in streams:
        stream.read(passed)
    for stream in streams:
        stream.close()
    server.close()
    return streams


def milliseconds(delays):
    ranked = sorted(delays)
    return (f"{statistics.median(ranked) * 1e3:5.1f} ms median, "
            f"{ranked[len(ranked) * 95 // 100] * 1e3:5.1f} ms for 95 %, "
            f"{ranked[-1] * 1e3:5.1f} ms at most")


def bench_async(options):
    """async=true: the delay that the elements add to a frame."""
    for name, middle in (
            ("without", "videoconvert"),
            ("async=true", "videoconvert ! fastscnn name=net "
             "async=true"),
            ("and overlay", "videoconvert ! fastscnn name=net "
             "async=true ! classmaskoverlay")):
        stream, = measure(middle, options.seconds)
        print(f"async    {name:12} {stream.rate:5.1f} fps, {stream.lost} lost, "
              f"{stream.masks:5.1f} masks/s; {milliseconds(stream.delays)}",
              flush=True)


def bench_qos(options):
    """qos=true: a network slower than the stream, behind a synchronised sink."""
    middle = ("videoconvert ! fastscnn name=net infer-width=2048 "
              "infer-height=1024 ! classmaskoverlay")
    stream, = measure(middle, options.seconds, sink="sync=true qos=true")
    print(f"qos      {stream.rate:5.1f} fps, {stream.lost} lost, "
          f"{stream.masks:.1f} masks/s, {stream.late} frames too late to be "
          f"inferred; {milliseconds(stream.delays)}", flush=True)


def bench_streams(options):
    """Many streams, and the interval at which the machine keeps up."""
    for interval in options.intervals:
        middle = ("videoconvert ! fastscnn name=net async=true "
                  f"interval={interval} ! classmaskoverlay")
        streams = measure(middle, options.seconds, options.count)
        slowest = min(stream.rate for stream in streams)
        print(f"streams  {options.count} with interval={interval}: "
              f"{slowest:.1f} fps the slowest, "
              f"{sum(stream.lost for stream in streams)} lost, "
              f"{min(stream.masks for stream in streams):.1f} to "
              f"{max(stream.masks for stream in streams):.1f} masks/s each",
              flush=True)
        if slowest >= ENOUGH:
            break


def main():
    benches = {"async": bench_async, "qos": bench_qos,
               "streams": bench_streams}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", metavar="async|qos|streams",
                        help="default: all")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--count", type=int, default=8, metavar="N",
                        help="number of streams (default: %(default)s)")
    parser.add_argument("--intervals", type=int, nargs="+",
                        default=[0, 4, 9, 24], metavar="N",
                        help="intervals to try until every stream has "
                        f"{ENOUGH:.0f} fps (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.what) - set(benches):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    Gst.init(None)
    for name in options.what or benches:
        benches[name](options)


if __name__ == "__main__":
    main()
