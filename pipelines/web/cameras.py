# SPDX-License-Identifier: LGPL-2.1-or-later
"""A camera on the web page: decoded, segmented, drawn on and encoded once, for any
number of browsers."""

import os
import pathlib
import urllib.parse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
gi.require_version("GstClassMask", "1.0")
from gi.repository import Gst, GstClassMask, GstVideo  # noqa: E402
from camera import APPSRC, Camera, read_url  # noqa: E402
from failure import Failure  # noqa: E402
from observer import Observer  # noqa: E402

MODES = ("blend", "mask", "contour", "blur", "pixelate", "cutout")
LEGENDS = ("none", "top-left", "top-right", "bottom-left", "bottom-right")
ENCODERS = {
    # Constrained baseline is what every browser must play.
    "h264": "x264enc tune=zerolatency speed-preset=superfast "
            "key-int-max=300 bitrate={bitrate} vbv-buf-capacity=300 "
            "threads={threads} min-force-key-unit-interval=300000000 ! "
            "video/x-h264,profile=constrained-baseline,"
            "stream-format=byte-stream,alignment=au",
    "vp8": "vp8enc deadline=1 cpu-used=8 end-usage=cbr "
           "target-bitrate={bitrate}000 keyframe-max-dist=300 lag-in-frames=0 "
           "error-resilient=default threads={threads} "
           "min-force-key-unit-interval=300000000",
}


class Clip(Camera):
    """A file that stands in for a camera, played at its own speed in a loop, or any
    other source with a URI that GStreamer supports."""

    def _make_source(self):
        # async=false: GStreamer 1.22 sometimes leaves the sink of a live source in
        # PAUSED.
        source = Gst.parse_launch(
            "uridecodebin name=source expose-all-streams=false "
            "caps=video/x-raw(ANY) ! appsink name=frames async=false "
            "max-buffers=2 emit-signals=true enable-last-sample=false caps=video/x-raw")
        source.get_by_name("source").set_property("uri", self.url)
        frames = source.get_by_name("frames")
        frames.set_property("sync", not self.url.startswith("v4l2:"))
        self._watch_data(None, frames.get_static_pad("sink"))
        return source

    def _on_end(self):
        if not self.frames or not self._rewind():
            self._lost("the stream ended")

    def _rewind(self):
        # With async=false a seek alone does not restart the running time: every
        # frame would be late, and shown at once. Pausing does.
        self._source.set_state(Gst.State.PAUSED)
        done = self._source.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 0)
        self._source.set_state(Gst.State.PLAYING)
        return done


def make_source(argument):
    """Returns (URL, name, class of the source) of [NAME=]URL, where URL may also
    be a file or a device, or @FILE that contains the URL."""
    name, equals, rest = argument.partition("=")
    if not equals or any(sign in name for sign in ":/?@"):
        name, rest = "", argument
    url = read_url(rest)
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme.startswith("rtsp"):
        return url, name, Camera
    if "://" in url:
        return url, name, Clip
    path = pathlib.Path(url)
    if path.is_char_device():
        return f"v4l2://{path.resolve()}", name, Clip
    if not path.is_file():
        raise Failure(f"there is no file {url}")
    return path.resolve().as_uri(), name or path.stem, Clip


class Scrubber:
    """Removes a camera's address and password from messages about it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self._secrets = sorted(
            {secret for secret in (
                url, url.partition("://")[2], parts.netloc, parts.hostname,
                parts.password, urllib.parse.unquote(parts.password or ""),
                parts.username, parts.path, urllib.parse.unquote(parts.path),
                parts.query)
             if secret and len(secret) > 2}, key=len, reverse=True)

    def __call__(self, text):
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text


class WebCamera:
    """The pipeline of one camera. `on_encoded (sample)` is called in a
    streaming thread for every encoded frame; everything else belongs to the
    thread of the main loop."""

    LAUNCH = (
        APPSRC.format(name="frames") + " ! videoconvert ! "
        "videoflip video-direction=auto ! "
        "fastscnn name=net async=true post-messages=true ! "
        # Without viewers, nothing is drawn or encoded.
        "valve name=valve drop=true ! "
        "classmaskoverlay name=overlay ! videoscale name=fit ! "
        "videoconvert ! capsfilter name=size ! "
        "queue max-size-buffers=2 max-size-bytes=0 leaky=downstream ! "
        "{encoder} ! appsink name=encoded sync=false max-buffers=8 "
        "emit-signals=true enable-last-sample=false")

    def __init__(self, argument, number, options):
        url, name, make = make_source(argument)
        self.name = name or f"camera {number + 1}"
        self.codec = options.codec
        self.classes = []  # (label, "#rrggbb")
        self.settings = {"mode": "blend", "alpha": 0.5, "hidden": [],
                         "contours": False, "legend": "none"}
        self.failure = None
        self.on_encoded = lambda sample: None
        self.scrub = Scrubber(url)
        self._report = options.report
        self._size = options.size
        cores = os.cpu_count() or 1
        encoder = ENCODERS[options.codec].format(
            bitrate=options.bitrate,
            threads=max(1, min(4, cores // options.cameras)))
        self.pipeline = Gst.parse_launch(self.LAUNCH.format(encoder=encoder))
        self._net = self.pipeline.get_by_name("net")
        Gst.util_set_object_arg(self._net, "backend", options.backend)
        self._net.set_property("interval", options.interval)
        if options.model:
            self._net.set_property("model-file", options.model)
        self._overlay = self.pipeline.get_by_name("overlay")
        self._valve = self.pipeline.get_by_name("valve")
        self._encoded = self.pipeline.get_by_name("encoded")
        self._encoded.connect("new-sample", self._on_sample)
        self.pipeline.get_by_name("fit").get_static_pad("sink").add_probe(
            Gst.PadProbeType.EVENT_DOWNSTREAM, self._choose_size)
        self._net.get_static_pad("src").add_probe(
            Gst.PadProbeType.BUFFER, self._learn_classes)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._on_error)
        self.camera = make(url, self.pipeline.get_by_name("frames"),
                           self.say, options.transport, options.latency)
        self.observer = Observer(self.name, self.camera, self._net)
        bus.connect("message::element",
                    lambda bus, message: self.observer.on_message(message))

    def say(self, text):
        self._report(f"{self.name}: {self.scrub(text)}")

    def start(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.camera.start()

    def stop(self):
        self.camera.stop()
        self.pipeline.get_bus().remove_signal_watch()
        self.pipeline.set_state(Gst.State.NULL)

    def set_watched(self, watched):
        """Draws and encodes only while somebody watches."""
        self._valve.set_property("drop", not watched)

    def send_key_frame(self):
        self._encoded.send_event(
            GstVideo.video_event_new_upstream_force_key_unit(
                Gst.CLOCK_TIME_NONE, True, 0))

    def change(self, settings):
        """Applies settings that check_settings() has accepted."""
        self.settings.update(settings)
        for name in ("mode", "legend"):
            Gst.util_set_object_arg(self._overlay, name, self.settings[name])
        self._overlay.set_property("alpha", self.settings["alpha"])
        self._overlay.set_property("contours", self.settings["contours"])
        self._overlay.set_property("classes", ",".join(
            f"-{self.classes[number][0]}"
            for number in self.settings["hidden"]
            if number < len(self.classes)))

    def check_settings(self, message):
        """Returns the settings in a browser's message; raises ValueError if one is
        invalid."""
        checks = {
            "mode": lambda value: value in MODES,
            "legend": lambda value: value in LEGENDS,
            "contours": lambda value: isinstance(value, bool),
            "alpha": lambda value: isinstance(value, (int, float))
            and not isinstance(value, bool) and 0 <= value <= 1,
            "hidden": lambda value: isinstance(value, list)
            and len(value) <= len(self.classes)
            and all(type(number) is int and 0 <= number < len(self.classes)
                    for number in value),
        }
        settings = {}
        for name, good in checks.items():
            if name in message:
                if not good(message[name]):
                    raise ValueError(f"no such {name}")
                settings[name] = message[name]
        return settings

    def status(self):
        """What the page shows; it asks once a second."""
        state, seconds = self.camera.state()
        observer = self.observer
        return {
            "state": state, "seconds": round(seconds, 1),
            "reason": ("" if state == "live"
                       else self.scrub(self.camera.reason)),
            "fps": round(observer.frame_rate, 1),
            "ips": round(observer.inference_rate, 1),
            "age": round(observer.age, 3),
            "restarts": self.camera.restarts,
            "shares": _permille(observer.shares),
            "settings": self.settings,
        }

    def history(self):
        return [_permille(shares) for shares in self.observer.history]

    def _on_sample(self, appsink):
        sample = appsink.emit("pull-sample")
        if sample is not None:
            self.on_encoded(sample)
        return Gst.FlowReturn.OK

    def _on_error(self, _bus, message):
        self.failure = message.parse_error()[0].message.rstrip(".")
        self.say(self.failure)
        self.camera.stop()

    def _learn_classes(self, _pad, info):
        meta = GstClassMask.buffer_get_class_mask_meta(info.get_buffer())
        if meta is None:
            return Gst.PadProbeReturn.OK
        classes = meta.classes
        self.classes = [
            (classes.get_label(number),
             f"#{classes.get_color(number) & 0xffffff:06x}")
            for number in range(classes.get_size())]
        return Gst.PadProbeReturn.REMOVE

    def _choose_size(self, _pad, info):
        """Scales frames down to the maximum size. All encoders and browsers support
        even sides and square pixels."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            frame = GstVideo.VideoInfo.new_from_caps(event.parse_caps())
            width = frame.width * frame.par_n / max(frame.par_d, 1)
            scale = min(1, self._size[0] / width, self._size[1] / frame.height)
            width, height = (max(16, round(side * scale / 2) * 2)
                             for side in (width, frame.height))
            self.pipeline.get_by_name("size").set_property(
                "caps", Gst.Caps.from_string(
                    f"video/x-raw,format=I420,width={width},height={height},"
                    "pixel-aspect-ratio=1/1"))
        return Gst.PadProbeReturn.OK


def _permille(shares):
    return shares and [round(share * 1000) for share in shares]
