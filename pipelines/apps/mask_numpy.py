#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the class mask of every frame as a NumPy array, without copying it.

    mask_numpy.py street.mp4
    mask_numpy.py rtsp://camera/stream --frames 100

Prints the timestamp of every frame and the share of each class. Your own program
only needs view_mask(), so copy it.

Needs Debian's python3-gi, python3-gst-1.0, gir1.2-gst-plugins-base-1.0 and
python3-numpy, and the typelib of libgstclassmask-1.0.
"""

import argparse
import contextlib
import itertools
import pathlib
import sys

import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
gi.require_version("GstClassMask", "1.0")
from gi.repository import Gst, GstClassMask, GstVideo  # noqa: E402
import numpy  # noqa: E402

# Keeps only the newest frame of a live stream while another one is processed.
PIPELINE = ("uridecodebin name=source ! videoconvert ! "
            "videoflip video-direction=auto ! fastscnn ! "
            "appsink name=sink sync=false max-buffers={frames} drop={live}")


@contextlib.contextmanager
def view_mask(buffer):
    """Provides the mask of a frame as (array, meta), or (None, None).

    array holds class ids, (height, width) of uint8, is read-only, and is valid
    within the `with` block; meta.classes has the labels."""
    meta = GstClassMask.buffer_get_class_mask_meta(buffer)
    if meta is None:
        yield None, None
        return
    video = GstVideo.buffer_get_video_meta(meta.mask)
    with meta.mask.map(Gst.MapFlags.READ) as info:
        yield numpy.ndarray((video.height, video.width), numpy.uint8,
                            info.data, video.offset[0],
                            (video.stride[0], 1)), meta


def frames_of(pipeline):
    """Yields the buffers of the pipeline's appsink until the stream ends."""
    sink, bus = pipeline.get_by_name("sink"), pipeline.get_bus()
    while not sink.get_property("eos"):
        sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
        if sample is not None:
            yield sample.get_buffer()
            continue
        error = bus.pop_filtered(Gst.MessageType.ERROR)
        if error:
            sys.exit(f"mask_numpy: {error.parse_error()[0].message}")


def describe(mask, classes):
    """Returns "road 41.3 %, car 5.0 %", the largest first."""
    ids, counts = numpy.unique(mask, return_counts=True)
    parts = []
    for i in numpy.argsort(-counts):
        label = classes.get_label(int(ids[i])) or "unknown"
        parts.append(f"{label} {counts[i] / mask.size:.1%}")
    return ", ".join(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input", help="file, rtsp://… or another URI")
    parser.add_argument("--frames", type=int, help="stop after this many frames")
    arguments = parser.parse_args()

    Gst.init(None)
    live = arguments.input.startswith("rtsp")
    pipeline = Gst.parse_launch(
        PIPELINE.format(frames=1 if live else 4, live=live))
    pipeline.get_by_name("source").set_property(
        "uri", arguments.input if Gst.uri_is_valid(arguments.input) else
        pathlib.Path(arguments.input).resolve().as_uri())
    pipeline.set_state(Gst.State.PLAYING)
    try:
        for buffer in itertools.islice(frames_of(pipeline), arguments.frames):
            with view_mask(buffer) as (mask, meta):
                if mask is not None:
                    print(f"{buffer.pts / Gst.SECOND:.2f} s: "
                          f"{describe(mask, meta.classes)}", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
