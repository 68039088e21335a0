# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds where a recording can be cut. Runs on workers: demultiplexes and parses,
but decodes nothing."""

import dataclasses
import itertools
import re

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402
from failures import Failure  # noqa: E402

PATIENCE = 60 * Gst.SECOND  # without any data

# In H.264 and H.265, frames displayed after a key frame may depend on frames before
# it, unless it is an IDR (H.264) or random-access picture (H.265): the parser, and
# the start of a slice of such a picture.
RANDOM_ACCESS = {
    "video/x-h264": ("h264parse", re.compile(rb"\x00\x00\x01[\x25\x45\x65]")),
    "video/x-h265": ("h265parse", re.compile(rb"\x00\x00\x01[\x20-\x2b]")),
}


@dataclasses.dataclass
class Piece:
    """The frames of a recording from `first` to before `end`, in nanoseconds;
    None: from its beginning, or to its end. `frames` is None if unknown."""
    first: int | None = None
    end: int | None = None
    frames: int | None = None


class Scan:
    """One pass over a recording."""

    def __init__(self, uri):
        self.times = []  # of the frames, in the order of decoding
        self.keys = []  # indices into times
        self.segments = []  # (start, stop, base, time)
        self.length = None  # of the recording, as its container says
        self._pad = None
        self._pipeline = Gst.parse_launch("urisourcebin name=source ! "
                                          "parsebin name=parse")
        self._pipeline.get_by_name("source").set_property("uri", uri)
        self._pipeline.get_by_name("parse").connect("pad-added", self._link)

    def run(self):
        bus = self._pipeline.get_bus()
        self._pipeline.set_state(Gst.State.PLAYING)
        try:
            seen = -1
            while seen < len(self.times):
                seen = len(self.times)
                message = bus.timed_pop_filtered(
                    PATIENCE, Gst.MessageType.EOS | Gst.MessageType.ERROR)
                if message is not None:
                    break
            else:
                raise Failure("no data for a minute")
            if self._pad is not None:
                known, length = self._pad.query_duration(Gst.Format.TIME)
                self.length = length if known and length > 0 else None
        finally:
            self._pipeline.set_state(Gst.State.NULL)
        if message.type == Gst.MessageType.ERROR:
            raise Failure(sentence(message))
        if self._pad is None:
            raise Failure("there is no video in it")
        if not self.times:
            raise Failure("there are no video frames in it")

    def _link(self, _parse, pad):
        caps = pad.get_current_caps() or pad.query_caps(None)
        name = caps.get_structure(0).get_name()
        if self._pad is not None or not is_video(name):
            # Without a sink, audio-only recordings do not always end.
            sink = Gst.ElementFactory.make("fakesink")
            sink.set_property("sync", False)
            sink.set_property("async", False)
            self._pipeline.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.get_static_pad("sink"))
            return
        self._pad = pad
        parser, self._pattern = RANDOM_ACCESS.get(name, (None, None))
        convert = (f"{parser} ! {name},stream-format=byte-stream,alignment=au"
                   if parser else "identity")
        tail = Gst.parse_bin_from_description(
            f"{convert} ! fakesink name=end sync=false", True)
        self._pipeline.add(tail)
        tail.sync_state_with_parent()
        tail.get_by_name("end").get_static_pad("sink").add_probe(
            Gst.PadProbeType.BUFFER, self._note_frame)
        pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._note_event)
        pad.link(tail.get_static_pad("sink"))

    def _note_event(self, _pad, info):
        event = info.get_event()
        if event.type == Gst.EventType.SEGMENT:
            segment = event.parse_segment()
            self.segments.append((segment.start, segment.stop, segment.base,
                                  segment.time))
        return Gst.PadProbeReturn.OK

    def _note_frame(self, _pad, info):
        buffer = info.get_buffer()
        if not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT) and (
                self._pattern is None or self._pattern.search(
                    buffer.extract_dup(0, buffer.get_size()))):
            self.keys.append(len(self.times))
        self.times.append(buffer.pts)
        return Gst.PadProbeReturn.OK

    def cuts(self):
        """Returns (time, index in display order) of the key frames to cut at: all
        frames decoded before such a key frame are displayed before it, and all
        frames decoded from the next key frame on are displayed after it."""
        if (Gst.CLOCK_TIME_NONE in self.times or len(set(self.segments)) != 1
                or len(set(self.times)) < len(self.times)):
            return []
        largest = list(itertools.accumulate(self.times, max))
        smallest = list(itertools.accumulate(reversed(self.times), min))[::-1]
        order = {time: i for i, time in enumerate(sorted(self.times))}
        cuts = []
        for key, following in itertools.zip_longest(self.keys, self.keys[1:]):
            time = self.times[key]
            if key and largest[key - 1] < time and (
                    following is None or smallest[following] > time):
                cuts.append((time, order[time]))
        return cuts


    def damage(self):
        """Returns a sentence if the recording ends earlier than its container says,
        as after an interrupted copy; otherwise None."""
        known = [time for time in self.times if time != Gst.CLOCK_TIME_NONE]
        if self.length is None or not known or len(self.segments) != 1:
            return None
        start, _, _, time = self.segments[0]
        end = max(known) - start + time
        if end > self.length - max(2 * Gst.SECOND, self.length // 50):
            return None
        return (f"it should be {self.length / Gst.SECOND:.1f} s long, but its "
                f"video ends after {end / Gst.SECOND:.1f} s")


def is_video(name):
    return name.startswith(("video/", "image/"))


def sentence(message):
    """The text of an error message without its full stop."""
    return message.parse_error()[0].message.rstrip(".")


def scan(uri, seconds, step):
    """Returns {frames, seconds, damage, segment, pieces} of a recording, cut into
    pieces of at least `seconds` (0: not at all). The number of frames before a cut is a
    multiple of `step`."""
    Gst.init(None)
    found = Scan(uri)
    found.run()
    known = [time for time in found.times if time != Gst.CLOCK_TIME_NONE]
    length = (max(known) - min(known)) / Gst.SECOND if known else 0.0
    pieces = [Piece(frames=len(found.times))]
    start, start_index = min(known, default=0), 0
    for time, index in found.cuts() if seconds else ():
        if time - start >= seconds * Gst.SECOND and index % step == 0:
            pieces[-1].end, pieces[-1].frames = time, index - start_index
            pieces.append(Piece(time, None, len(found.times) - index))
            start, start_index = time, index
    return {"frames": len(found.times), "seconds": length,
            "damage": found.damage(),
            "segment": found.segments[0] if len(pieces) > 1 else None,
            "pieces": [dataclasses.asdict(piece) for piece in pieces]}
