#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments a camera and keeps running when the camera fails.

As a program: prints the state of the camera and, once per second, the share of
each class.

    camera.py rtsp://user:password@camera/stream

As a module: `Camera` decodes an RTSP stream in its own pipeline and pushes
the frames into an `appsrc` of your pipeline. Your pipeline keeps running through
stalls, lost connections and changes of size, and its timestamps never jump.
"""

import argparse
import sys
import urllib.parse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402,F401

APPSRC = ("appsrc name={name} is-live=true format=time max-buffers=8 "
          "max-bytes=0 leaky-type=downstream")


def read_url(argument):
    """Returns the URL or, for @FILE, the content of that file: everybody on a machine
    can see arguments, including passwords."""
    if argument.startswith("@"):
        with open(argument[1:], encoding="utf-8") as file:
            argument = file.read().strip()
    return argument


def without_password(url):
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def structure_of(caps):
    """Returns the first structure of caps, which gst-python only lends since
    1.26."""
    structure = caps.get_structure(0)
    if not hasattr(structure, "__enter__"):
        return structure
    with structure as lent:
        return lent.copy()


def prefer_hardware_decoders():
    """Makes decodebin try hardware decoders first."""
    for factory in Gst.ElementFactory.list_get_elements(
            Gst.ELEMENT_FACTORY_TYPE_DECODER
            | Gst.ELEMENT_FACTORY_TYPE_MEDIA_VIDEO, Gst.Rank.MARGINAL):
        if "Hardware" in factory.get_metadata(Gst.ELEMENT_METADATA_KLASS):
            factory.set_rank(Gst.Rank.PRIMARY + 100)


UPRIGHT = "rotate-0"


class Retimer:
    """Maps the timestamps of an unreliable source to running time that always
    increases."""

    JUMP = Gst.SECOND // 2  # distance from the clock that restarts the mapping
    STEP = Gst.MSECOND  # minimum between two frames

    def __init__(self):
        self.offset = None
        self.last = -1

    def __call__(self, pts, now):
        """pts: timestamp of the source, or CLOCK_TIME_NONE; now: running time."""
        if pts == Gst.CLOCK_TIME_NONE:
            time = now
        else:
            if (self.offset is None
                    or abs(pts + self.offset - now) > self.JUMP):
                self.offset = now - pts
            time = pts + self.offset
        self.last = max(time, self.last + self.STEP, 0)
        return self.last


class Camera:
    """One camera: connects, decodes and reconnects.

    Everything except pushing frames happens on the thread of the default GLib
    main loop. `report (text)` is called there once when frames arrive and once
    when they stop, but not for every attempt in between.
    """

    # Seconds
    STALL = 2.0  # without a frame before a warning
    REOPEN = 5.0  # without data before reconnecting
    PATIENCE = 30.0  # with data but no frames: the next key frame may be far away
    BACK_OFF = (0.2, 0.4, 0.8, 1.0)  # between attempts; the last one repeats
    HOPELESS = 30.0  # after a wrong password: cameras lock out clients that retry

    def __init__(self, url, appsrc, report=print, transport="tcp",
                 latency=200):
        self.url = url
        self.name = without_password(url)
        self.live = False
        self.frames = 0
        self.restarts = 0
        self.reason = ""  # why the last connection was lost
        self._appsrc = appsrc
        self._report = report
        self._transport = transport
        self._latency = latency
        self._retime = Retimer()
        self._caps = None
        self._orientation = UPRIGHT  # of the source, as its tags say
        self._sent_orientation = UPRIGHT
        self._source = None
        self._offered = set()  # media types
        self._attempts = 0
        self._next_attempt = 0.0
        self._timers = set()
        self._last_frame = 0.0
        self._last_data = 0.0
        self._warned = False
        self._damaged = False

    def start(self):
        self._open()
        self._every(250, self._watch)

    def stop(self):
        for timer in self._timers:
            GLib.source_remove(timer)
        self._timers.clear()
        self._close()

    def state(self):
        """(state, seconds) for a user: "live"; "connecting" for the first time;
        "stalled", with the seconds since the last frame; "reconnecting", with the
        seconds until the next attempt, 0 during one."""
        if self.live:
            return "live", 0.0
        if self._source is None or self._attempts:
            wait = 0.0 if self._source else self._next_attempt - _now()
            return "reconnecting", max(wait, 0.0)
        if self.frames:
            return "stalled", _now() - self._last_frame
        return "connecting", 0.0

    def _open(self):
        source = self._make_source()
        frames = source.get_by_name("frames")
        frames.connect("new-sample", self._push)
        frames.get_static_pad("sink").add_probe(
            Gst.PadProbeType.EVENT_DOWNSTREAM, self._watch_orientation)
        self._orientation = UPRIGHT
        bus = source.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)
        bus.connect("message::eos", lambda bus, message: self._on_end())
        bus.connect("message::warning", self._on_warning)
        self._source = source
        self._last_frame = self._last_data = _now()
        source.set_state(Gst.State.PLAYING)

    def _make_source(self):
        """Returns a pipeline that decodes into an appsink named frames."""
        source = Gst.parse_launch(
            "rtspsrc name=source ! decodebin name=decoder ! "
            "appsink name=frames sync=false max-buffers=2 emit-signals=true "
            "enable-last-sample=false caps=video/x-raw")
        rtsp = source.get_by_name("source")
        rtsp.set_property("location", self.url)
        rtsp.set_property("latency", self._latency)
        rtsp.set_property("tcp-timeout", int(self.REOPEN * 1e6))
        rtsp.set_property("timeout", int(self.REOPEN * 1e6))
        if self._transport != "auto":
            Gst.util_set_object_arg(rtsp, "protocols", self._transport)
        self._offered = set()
        rtsp.connect("select-stream", self._select_stream)
        rtsp.connect("pad-added", self._watch_data)
        source.get_by_name("decoder").connect(
            "deep-element-added", self._configure_decoder)
        return source

    def _on_end(self):
        self._lost("the camera ended the stream")

    def _close(self):
        source, self._source = self._source, None
        if source is not None:
            source.get_bus().remove_signal_watch()
            source.set_state(Gst.State.NULL)

    def _select_stream(self, _rtsp, _number, caps):
        media = structure_of(caps).get_string("media")
        self._offered.add(media)
        return media == "video"

    def _watch_data(self, _rtsp, pad):
        def on_data(_pad, _info):
            self._last_data = _now()
            return Gst.PadProbeReturn.OK
        pad.add_probe(
            Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, on_data)

    @staticmethod
    def _configure_decoder(_bin, _parent, element):
        # Drop frames that are grey until the next key frame.
        if element.find_property("output-corrupt"):
            element.set_property("output-corrupt", False)

    def _watch_orientation(self, _pad, info):
        """Runs on the streaming thread of the source."""
        event = info.get_event()
        if event.type == Gst.EventType.TAG:
            known, orientation = event.parse_tag().get_string(
                Gst.TAG_IMAGE_ORIENTATION)
            if known:
                self._orientation = orientation
        return Gst.PadProbeReturn.OK

    def _send_orientation(self):
        """Makes videoflip turn the following frames: samples carry no tags."""
        if self._orientation != self._sent_orientation:
            self._sent_orientation = self._orientation
            self._appsrc.send_event(Gst.Event.new_tag(
                Gst.TagList.new_from_string(
                    "taglist, image-orientation=(string)"
                    + self._orientation)))

    def _push(self, appsink):
        """Pushes a frame. Runs on the streaming thread of the source."""
        sample = appsink.emit("pull-sample")
        clock = self._appsrc.get_clock()
        if sample is None or clock is None:
            return Gst.FlowReturn.OK
        caps = sample.get_caps()
        if self._caps is None or not caps.is_equal(self._caps):
            self._caps = caps
            self._appsrc.set_property("caps", caps)
        self._send_orientation()
        buffer = sample.get_buffer()
        pts = buffer.pts
        if pts != Gst.CLOCK_TIME_NONE:
            pts = sample.get_segment().to_running_time(Gst.Format.TIME, pts)
        now = clock.get_time() - self._appsrc.get_base_time()
        frame = buffer.copy_region(
            Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.META
            | Gst.BufferCopyFlags.MEMORY, 0, buffer.get_size())
        frame.pts = self._retime(pts, now)
        frame.dts = Gst.CLOCK_TIME_NONE
        self.frames += 1
        self._last_frame = _now()
        if not self.live:
            self.live = True
            GLib.idle_add(self._arrived)
        self._appsrc.emit("push-buffer", frame)
        return Gst.FlowReturn.OK

    def _arrived(self):
        if not self.live:
            return
        self._attempts = 0
        self._warned = False
        structure = structure_of(self._caps)
        self._report(f"live, {structure.get_value('width')}x"
                     f"{structure.get_value('height')}")

    def _watch(self):
        """Warns when frames stop, and reconnects when none arrive."""
        if self._source is None:
            return
        now = _now()
        silence = now - self._last_frame
        if now - self._last_data > self.REOPEN or silence > self.PATIENCE:
            self._lost(f"no frames for {silence:.0f} s")
        elif silence > self.STALL and self.live:
            self.live = False
            self._warn("no frames; waiting")

    def _warn(self, text):
        if not self._warned:
            self._warned = True
            self._report(text)

    def _on_error(self, _bus, message):
        error, _ = message.parse_error()
        refused = error.matches(Gst.ResourceError.quark(),
                                Gst.ResourceError.NOT_AUTHORIZED)
        if refused:
            why = "wrong user or password"
        elif self._offered and "video" not in self._offered:
            why = f"only {', '.join(sorted(self._offered))}, no video"
        else:
            why = error.message.rstrip(".")
        self._lost(why, hopeless=refused or "no video" in why)

    def _on_warning(self, _bus, message):
        warning, _ = message.parse_warning()
        if warning.domain == "gst-stream-error-quark" and not self._damaged:
            self._damaged = True
            self._report(f"damaged data: {warning.message.rstrip('.')}")
            self._after(10.0, self._forget_damage)

    def _forget_damage(self):
        self._damaged = False

    def _lost(self, why, hopeless=False):
        if self._source is None:
            return
        self._close()
        self.live = False
        self.restarts += 1
        self.reason = why
        self._warn(f"lost ({why}); trying again")
        wait = self.BACK_OFF[min(self._attempts, len(self.BACK_OFF) - 1)]
        if hopeless:
            wait = self.HOPELESS
        self._attempts += 1
        self._next_attempt = _now() + wait
        self._after(wait, self._open)

    def _every(self, milliseconds, action):
        def tick():
            action()
            return GLib.SOURCE_CONTINUE
        self._timers.add(GLib.timeout_add(milliseconds, tick))

    def _after(self, seconds, action):
        def fire():
            self._timers.discard(timer)
            action()
            return GLib.SOURCE_REMOVE
        timer = GLib.timeout_add(int(seconds * 1000), fire)
        self._timers.add(timer)


def _now():
    return GLib.get_monotonic_time() / 1e6


def add_camera_options(parser):
    parser.add_argument(
        "--transport", choices=("tcp", "udp", "auto"), default="tcp",
        help="transport of RTP (default: %(default)s)")
    parser.add_argument(
        "--latency", type=int, default=200, metavar="MS",
        help="jitter buffer (default: %(default)s ms)")


def print_shares(message, state={"next": 0}):
    """Prints the classes in view once per second."""
    structure = message.get_structure()
    if structure.get_name() != "classmask" or _now() < state["next"]:
        return
    state["next"] = _now() + 1
    pixels = list(structure.get_value("pixels"))
    shares = sorted(zip(pixels, structure.get_value("labels")), reverse=True)
    total = sum(pixels) or 1
    print("  ".join(f"{label} {count / total:.0%}"
                    for count, label in shares if count * 100 >= total),
          flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="Prints what a camera sees, and keeps running when it "
        "fails.")
    parser.add_argument("url", metavar="URL",
                        help="rtsp://…, or @FILE that contains it")
    add_camera_options(parser)
    options = parser.parse_args()
    Gst.init(None)
    prefer_hardware_decoders()
    pipeline = Gst.parse_launch(
        APPSRC.format(name="frames") + " ! videoconvert ! "
        "videoflip video-direction=auto ! "
        "fastscnn async=true post-messages=true ! fakesink")
    loop = GLib.MainLoop()
    failures = []

    def failed(_bus, message):
        failures.append(message.parse_error()[0].message)
        loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", failed)
    bus.connect("message::element", lambda bus, message: print_shares(message))
    url = read_url(options.url)
    camera = Camera(url, pipeline.get_by_name("frames"),
                    lambda text: print(f"{camera.name}: {text}",
                                       file=sys.stderr, flush=True),
                    options.transport, options.latency)
    pipeline.set_state(Gst.State.PLAYING)
    camera.start()
    try:
        loop.run()
    except KeyboardInterrupt:
        pass
    camera.stop()
    pipeline.set_state(Gst.State.NULL)
    if failures:
        sys.exit(f"camera.py: {failures[0]}")


if __name__ == "__main__":
    main()
