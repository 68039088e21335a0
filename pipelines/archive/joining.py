# SPDX-License-Identifier: LGPL-2.1-or-later
"""Joins the pieces of a recording. Runs on workers."""

import collections
import json
import os
import pathlib
import shutil

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401
from failures import Failure  # noqa: E402
from keyframes import PATIENCE, sentence  # noqa: E402

COLUMNS = 200  # periods of a recording for which shares are averaged
UNKNOWN = "unknown"


def join_lines(pieces, whole):
    with open(whole, "wb") as out:
        for piece in pieces:
            with open(piece, "rb") as file:
                shutil.copyfileobj(file, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def join_masks(pieces, whole):
    """Joins the frames of the pieces in one file, without coding them again."""
    # matroskamux requires a caps field that matroskademux leaves out.
    writer = Gst.parse_launch("appsrc name=in format=time block=true "
                              "max-bytes=4000000 ! "
                              "capssetter caps=video/x-ffv,ffversion=1 ! "
                              "matroskamux ! filesink name=out")
    writer.get_by_name("out").set_property("location", str(whole))
    source, bus = writer.get_by_name("in"), writer.get_bus()
    writer.set_state(Gst.State.PLAYING)
    caps = None
    try:
        for piece in pieces:
            for sample in read_coded(piece):
                caps = caps or sample.get_caps()
                if not caps.is_equal(sample.get_caps()):
                    raise Failure("its frames change size or format, and the "
                                  "video of --masks cannot")
                source.push_sample(sample)
        source.end_of_stream()
        message = bus.timed_pop_filtered(
            PATIENCE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        if message is None or message.type == Gst.MessageType.ERROR:
            raise Failure(sentence(message) if message
                          else f"{whole} could not be written")
    finally:
        writer.set_state(Gst.State.NULL)
    with open(whole, "rb") as file:
        os.fsync(file.fileno())


def read_coded(path):
    """The coded frames of a piece of masks, as samples."""
    reader = Gst.parse_launch("filesrc name=in ! matroskademux ! "
                              "appsink name=out sync=false max-buffers=8 "
                              "enable-last-sample=false")
    reader.get_by_name("in").set_property("location", str(path))
    sink = reader.get_by_name("out")
    reader.set_state(Gst.State.PLAYING)
    try:
        while True:
            sample = sink.try_pull_sample(Gst.SECOND // 10)
            if sample is not None:
                yield sample
            elif sink.is_eos():
                break
            else:
                message = reader.get_bus().pop_filtered(Gst.MessageType.ERROR)
                if message is not None:
                    raise Failure(f"{path}: {sentence(message)}")
    finally:
        reader.set_state(Gst.State.NULL)


def average_shares(lines, seconds):
    """Returns {frames, column, shares}: the share of the frame that each class
    covers, averaged over columns of `column` seconds."""
    column = max(seconds / COLUMNS, 0.001)
    sums, counts = collections.defaultdict(collections.Counter), \
        collections.Counter()
    frames = 0
    with open(lines, "rb") as file:
        for text in file:
            frames += 1
            line = json.loads(text)
            if line["running_time"] is None:
                continue
            i = int(line["running_time"] / 1e9 / column)
            counts[i] += 1
            sums[i][UNKNOWN] += line["unknown"]["fraction"]
            for entry in line["classes"]:
                sums[i][entry["label"]] += entry["fraction"]
    labels = sorted({label for each in sums.values() for label in each})
    return {"frames": frames, "column": column, "shares": {
        label: [round(sums[i][label] / counts[i], 4) if counts[i] else None
                for i in range(max(counts, default=-1) + 1)]
        for label in labels}}


def join(folder, count, seconds, outputs):
    """Makes the results of a recording from its pieces. outputs: {"lines",
    "shares" and perhaps "masks": file}, which appear only when they are complete.
    Returns the number of frames."""
    Gst.init(None)
    folder = pathlib.Path(folder)
    parts = {kind: folder / f"whole.{kind}.part" for kind in outputs}
    try:
        lines = [folder / f"{i:06}.jsonl" for i in range(count)]
        join_lines(lines, parts["lines"])
        shares = average_shares(parts["lines"], seconds)
        parts["shares"].write_text(json.dumps(shares), encoding="utf-8")
        if "masks" in outputs:
            join_masks([file.with_suffix(".mkv") for file in lines],
                       parts["masks"])
        for kind, file in outputs.items():
            os.makedirs(os.path.dirname(file), exist_ok=True)
            os.rename(parts[kind], file)
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from error
    return shares["frames"]
