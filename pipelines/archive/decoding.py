# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decodes a piece of a recording. Runs on workers."""

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401
from failures import BadSeam, Failure  # noqa: E402
from keyframes import PATIENCE, is_video, sentence  # noqa: E402

LAUNCH = ("urisourcebin name=source ! parsebin name=parse "
          "decodebin name=decode ! videoconvert ! "
          "videoflip video-direction=auto ! "
          "appsink name=frames sync=false max-buffers=4 "
          "enable-last-sample=false")
POLL = Gst.SECOND // 10


class Decoder:
    """Provides the frames of a piece as samples, in order.

    Decoding begins at the key frame itself: no frame displayed after it depends
    on earlier ones. Frames displayed before it belong to the previous piece and
    are dropped. At the end the decoder reads on until a frame of the next piece
    comes out, because frames that are displayed before a key frame may be stored
    after it."""

    def __init__(self, uri, piece, segment, caps, threads):
        self._uri = uri
        self._piece = piece
        self._segment = segment
        self._caps = caps
        self._threads = threads
        self._missed = False

    def __iter__(self):
        if self._piece.first is None:
            yield from self._decode(seek=False)
            return
        # If the demuxer misses the key frame after a seek, or gives frames other
        # times, read from the beginning without decoding up to the key frame.
        for seek in (True, False):
            self._missed = False
            yield from self._decode(seek)
            if not self._missed:
                return
        raise BadSeam("the key frame is not found again")

    def _make(self, seek):
        self._linked = False
        self._gate = "open" if seek or self._piece.first is None else "shut"
        pipeline = Gst.parse_launch(LAUNCH)
        pipeline.get_by_name("source").set_property("uri", self._uri)
        pipeline.get_by_name("frames").set_property("caps", self._caps)
        decode = pipeline.get_by_name("decode")
        decode.connect("deep-element-added", self._limit_threads)
        pipeline.get_by_name("parse").connect("pad-added", self._link, decode)
        return pipeline

    def _limit_threads(self, _bin, _parent, element):
        if element.find_property("max-threads"):
            element.set_property("max-threads", self._threads)

    def _link(self, _parse, pad, decode):
        caps = pad.get_current_caps() or pad.query_caps(None)
        if self._linked or not is_video(caps.get_structure(0).get_name()):
            return
        self._linked = True
        pad.add_probe(Gst.PadProbeType.BUFFER, self._pass_from_key_frame)
        pad.link(decode.get_static_pad("sink"))

    def _pass_from_key_frame(self, _pad, info):
        buffer = info.get_buffer()
        if self._gate == "open":
            return Gst.PadProbeReturn.OK
        if not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT):
            if buffer.pts == self._piece.first:
                self._gate = "open"
                return Gst.PadProbeReturn.OK
            if buffer.pts > self._piece.first:
                self._missed = True
        return Gst.PadProbeReturn.DROP

    def _decode(self, seek):
        pipeline = self._make(seek)
        sink, bus = pipeline.get_by_name("frames"), pipeline.get_bus()
        try:
            if seek and not self._seek(pipeline, bus):
                self._missed = True
                return
            pipeline.set_state(Gst.State.PLAYING)
            yield from self._pull(sink, bus)
        finally:
            pipeline.set_state(Gst.State.NULL)

    def _seek(self, pipeline, bus):
        pipeline.set_state(Gst.State.PAUSED)
        message = bus.timed_pop_filtered(
            PATIENCE, Gst.MessageType.ASYNC_DONE | Gst.MessageType.ERROR)
        if message is None or message.type == Gst.MessageType.ERROR:
            raise Failure(sentence(message) if message
                          else "no data for a minute")
        self._gate = "shut"
        start, _, _, time = self._segment
        return pipeline.seek_simple(
            Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT
            | Gst.SeekFlags.SNAP_BEFORE, self._piece.first - start + time)

    def _pull(self, sink, bus):
        first, end = self._piece.first, self._piece.end
        begun = first is None
        last = -1
        waited = 0
        while not self._missed:
            sample = sink.try_pull_sample(POLL)
            if sample is None:
                message = bus.pop_filtered(Gst.MessageType.ERROR)
                if message is not None:
                    raise Failure(sentence(message))
                if sink.is_eos():
                    self._missed = not begun
                    return
                waited += POLL
                if waited > PATIENCE:
                    raise Failure("no frames for a minute")
                continue
            waited = 0
            time = sample.get_buffer().pts
            if end is not None and time >= end:
                return
            if first is not None and time < first:
                continue
            if not begun and time != first:
                raise BadSeam("the key frame cannot be decoded")
            begun = True
            if self._segment is not None and time <= last:
                raise BadSeam("frames come in disorder")
            last = time
            # After a seek the decoder clips to another segment, so clip here.
            if self._segment is None or time < self._segment[1]:
                yield sample
