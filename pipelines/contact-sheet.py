#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws one frame of a video in every mode of classmaskoverlay and writes the
images side by side into a PNG, each with the properties that it shows."""

import argparse
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

HERE = pathlib.Path(__file__).resolve().parent
ROAD_USERS = "car,pedestrian,bicyclist"
STYLES = [
    None,
    "legend=top-left",
    "alpha=0.3 contours=true contour-width=1",
    "mode=contour contour-width=3",
    "mode=mask",
    "mode=mask palette=distinct",
    "palette=cityscapes classes=-sky,-building",
    "class-alpha=road=0.2,car=0.9 feather=3",
    f"mode=cutout background-color=0xc0101820 classes={ROAD_USERS}",
    f"mode=blur classes={ROAD_USERS}",
    f"mode=pixelate classes={ROAD_USERS}",
    "mode=blur on-missing=cover-all source=nobody",
]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", nargs="?", default=HERE / "street.mp4",
                        type=pathlib.Path, help="video (default: the included clip)")
    parser.add_argument("output", nargs="?", default="contact-sheet.png",
                        help="PNG file (default: %(default)s)")
    parser.add_argument("--frame", type=int, default=60,
                        help="index of the frame (default: %(default)s)")
    parser.add_argument("--columns", type=int, default=3,
                        help="images per row (default: %(default)s)")
    parser.add_argument("--width", type=int, default=270,
                        help="width of an image in pixels (default: %(default)s)")
    return parser.parse_args()


def fail(pipeline, otherwise):
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    pipeline.set_state(Gst.State.NULL)
    sys.exit(message.parse_error().gerror.message if message else otherwise)


def segment(path, number):
    """Returns a frame with its mask, and its caps."""
    pipeline = Gst.parse_launch(
        "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=NV12 ! "
        f"fastscnn interval={max(number, 1)} name=net ! "
        "appsink name=sink sync=false max-buffers=2")
    pipeline.get_by_name("file").set_property("location", str(path))
    # Infer this very frame, not an earlier one.
    net, sink = pipeline.get_by_name("net"), pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    for i in range(number + 1):
        if i == number - 3:
            net.set_property("interval", 0)
        sample = sink.emit("pull-sample")
        if sample is None:
            fail(pipeline, f"{path} has no frame {number}.")
    pipeline.set_state(Gst.State.NULL)
    return sample.get_buffer(), sample.get_caps()


def play(pipeline, caps, buffer):
    """Starts a pipeline with one frame."""
    source = pipeline.get_by_name("source")
    source.set_property("caps", caps)
    pipeline.set_state(Gst.State.PLAYING)
    source.emit("push-buffer", buffer)
    source.emit("end-of-stream")


def draw(buffer, caps, properties, width):
    """Returns the rows of the image, in RGB."""
    structure = caps.get_structure(0)
    height = width * structure["height"] // structure["width"] // 2 * 2
    overlay = "identity" if properties is None else f"classmaskoverlay {properties}"
    title = properties or "the frame"
    pipeline = Gst.parse_launch(
        f"appsrc name=source format=time ! {overlay} ! videoconvert ! videoscale ! "
        f"video/x-raw,format=RGB,width={width},height={height},pixel-aspect-ratio=1/1 ! "
        "textoverlay name=title valignment=bottom halignment=center ypad=4 "
        "auto-resize=false shaded-background=true ! videoconvert ! video/x-raw,format=RGB ! "
        "appsink name=sink sync=false")
    text = pipeline.get_by_name("title")
    text.set_property("text", title.replace("classes=", "\nclasses="))
    text.set_property("font-desc", f"Sans {max(9, width // 32)}px")
    play(pipeline, caps, buffer.copy())
    sample = pipeline.get_by_name("sink").emit("pull-sample")
    if sample is None:
        fail(pipeline, f"classmaskoverlay drew nothing with {title}.")
    data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
    pipeline.set_state(Gst.State.NULL)
    stride = len(data) // height
    return [data[y * stride:y * stride + 3 * width] for y in range(height)]


def write_png(rows, path):
    width, height = len(rows[0]) // 3, len(rows)
    pipeline = Gst.parse_launch(
        "appsrc name=source format=time ! videoconvert ! "
        "pngenc compression-level=9 ! filesink name=file")
    pipeline.get_by_name("file").set_property("location", str(path))
    caps = Gst.Caps.from_string(
        f"video/x-raw,format=RGB,width={width},height={height},framerate=1/1")
    padding = bytes(-3 * width % 4)
    buffer = Gst.Buffer.new_wrapped(b"".join(row + padding for row in rows))
    buffer.pts = 0
    play(pipeline, caps, buffer)
    message = pipeline.get_bus().timed_pop_filtered(
        30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    if message is None or message.type == Gst.MessageType.ERROR:
        sys.exit(f"{path} could not be written.")
    pipeline.set_state(Gst.State.NULL)


def main():
    arguments = parse_arguments()
    Gst.init(None)
    buffer, caps = segment(arguments.input, arguments.frame)
    images = [draw(buffer, caps, properties, arguments.width)
              for properties in STYLES]
    rows = []
    for first in range(0, len(images), arguments.columns):
        line = images[first:first + arguments.columns]
        blank = [bytes(len(row)) for row in images[0]]
        line += [blank] * (arguments.columns - len(line))
        rows += [b"".join(parts) for parts in zip(*line)]
    write_png(rows, arguments.output)


if __name__ == "__main__":
    main()
