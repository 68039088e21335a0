#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the effect of fastscnn's properties on the included clip, and prints the
tables of docs/guide/tuning.md. Run it on an idle machine, in
meson devenv -C build -w . """

import pathlib
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstClassMask", "1.0")
from gi.repository import Gst, GstClassMask  # noqa: E402

CLIP = pathlib.Path(__file__).resolve().parents[2] / "pipelines/street.mp4"
SETTINGS = ("", "infer-width=640 infer-height=480",
            "infer-width=480 infer-height=352",
            "interval=1", "interval=4", "threads=1", "mask-size=grid",
            "smoothing=0.5", "confidence-map=true")
# Paced like a camera: 25 frames a second.
LIVE = ("", "async=true", "async=true infer-width=480 infer-height=352")


def play(settings, live):
    """Returns (frames per second, ms of one inference, share of frames inferred,
    mean age of masks in ms)."""
    # Decode first, so that only the element is timed.
    pipeline = Gst.parse_launch(
        f'filesrc location="{CLIP}" ! decodebin ! videoconvert ! '
        "video/x-raw,format=I420 ! "
        "queue name=frames max-size-buffers=0 max-size-bytes=0 "
        "max-size-time=0 min-threshold-buffers=249 ! "
        f"identity name=begin sync={live} ! fastscnn name=net {settings} ! "
        "fakesink name=end sync=false")
    times, ages = [], []

    def on_frame(_pad, info):
        times.append(time.monotonic())
        meta = GstClassMask.buffer_get_class_mask_meta(info.get_buffer())
        if meta is not None:
            ages.append(meta.age / 1e6)
        return Gst.PadProbeReturn.OK

    pipeline.get_by_name("end").get_static_pad("sink").add_probe(
        Gst.PadProbeType.BUFFER, on_frame)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(f"tuning.py: {message.parse_error()[0].message}")
    stats = pipeline.get_by_name("net").get_property("stats")
    pipeline.set_state(Gst.State.NULL)
    frames, inferred = (stats.get_value(key) for key in ("frames", "inferred"))
    return ((len(times) - 1) / (times[-1] - times[0]),
            stats.get_value("mean-inference-time") / 1e6, inferred / frames,
            sum(ages) / len(ages) if ages else 0.0)


def table(rows, live):
    print("| settings | frames/s | inference (ms) | frames inferred | "
          "mean mask age |")
    print("| --- | --- | --- | --- | --- |")
    for settings in rows:
        rate, cost, share, age = play(settings, live)
        name = f"`{settings}`" if settings else "default"
        print(f"| {name} | {rate:.0f} | {cost:.1f} | {share:.0%} | "
              f"{age:.0f} ms |", flush=True)


def main():
    Gst.init(None)
    print("At full speed:\n")
    table(SETTINGS, "false")
    print("\nAt the rate of a camera, 25 frames per second:\n")
    table(LIVE, "true")


if __name__ == "__main__":
    main()
