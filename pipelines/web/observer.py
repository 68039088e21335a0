# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a camera's network sees and how well it keeps up: for the web page, for
Prometheus (/metrics) and for health checks (/healthz)."""

import collections
import time

from gi.repository import Gst

STATES = ("connecting", "live", "stalled", "reconnecting")
HANG = 20.0  # seconds within which a live camera must get a mask
SUMMARY = "ClassMaskSummary"  # the custom meta that fastscnn attaches
# Seconds; from a GPU to an old CPU with a large network.
BUCKETS = (.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5)


class Observer:
    """Follows one fastscnn element that posts messages. Call `tick ()` once a
    second. Everything here runs in the thread of the GLib main loop, except the
    probe that notes the age of the mask."""

    MINUTES = 5  # of shares that are kept

    def __init__(self, name, camera, net):
        self.name = name
        self.camera = camera
        self.labels = []
        self.shares = []  # of each class in the newest mask
        self.age = 0.0  # seconds, of the mask on the newest frame
        self.frame_rate = 0.0
        self.inference_rate = 0.0
        self.history = collections.deque(maxlen=60 * self.MINUTES)
        self.inference_times = [0] * (len(BUCKETS) + 1)
        self.inference_seconds = 0.0
        self._net = net
        self._samples = collections.deque(maxlen=4)  # to average rates over
        self._seen = 0
        self._seen_at = time.monotonic()
        net.get_static_pad("src").add_probe(
            Gst.PadProbeType.BUFFER, self._note_age)

    def _note_age(self, _pad, info):
        summary = info.get_buffer().get_custom_meta(SUMMARY)
        if summary is not None:
            self.age = summary.get_structure().get_value("age") / Gst.SECOND
        return Gst.PadProbeReturn.OK

    def stat(self, name):
        return self._net.get_property("stats").get_value(name)

    def on_message(self, message):
        """An element message of the network's pipeline."""
        structure = message.get_structure()
        if message.src != self._net or structure.get_name() != "classmask":
            return
        pixels = list(structure.get_value("pixels"))
        total = sum(pixels) + structure.get_value("unknown") or 1
        self.labels = list(structure.get_value("labels"))
        self.shares = [count / total for count in pixels]
        seconds = self.stat("last-inference-time") / Gst.SECOND
        self.inference_seconds += seconds
        self.inference_times[sum(seconds > edge for edge in BUCKETS)] += 1

    def tick(self):
        now = time.monotonic()
        inferred = self.stat("inferred")
        if inferred != self._seen or not self.camera.live:
            self._seen, self._seen_at = inferred, now
        self._samples.append((now, self.stat("frames"), inferred))
        first, last = self._samples[0], self._samples[-1]
        if last[0] > first[0]:
            self.frame_rate, self.inference_rate = (
                max(0.0, (after - before) / (last[0] - first[0]))
                for before, after in zip(first[1:], last[1:]))
        self.history.append(self.shares if self.camera.live else None)

    def hangs(self):
        """Whether frames arrive but no masks are made, so that only a restart helps."""
        return time.monotonic() - self._seen_at > HANG


class Metrics:
    """A collector of the library prometheus_client: reads the observers when
    it is asked."""

    def __init__(self, observers, viewers=None):
        self._observers = observers
        self._viewers = viewers

    def render(self):
        """(content type, bytes); raises ImportError without the library."""
        from prometheus_client import CollectorRegistry, exposition
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return (exposition.CONTENT_TYPE_LATEST,
                exposition.generate_latest(registry))

    def describe(self):
        return []

    def collect(self):
        from prometheus_client import core

        def family(kind, name, text, *labels):
            return kind(f"fastscnn_{name}", text, labels=("camera", *labels))

        frames = family(core.CounterMetricFamily, "frames",
                        "Frames that came from the camera")
        inferences = family(core.CounterMetricFamily, "inferences",
                            "Frames that the network has segmented")
        seconds = family(core.HistogramMetricFamily, "inference_seconds",
                         "Time that one inference takes")
        age = family(core.GaugeMetricFamily, "mask_age_seconds",
                     "Age of the mask on the newest frame")
        restarts = family(core.CounterMetricFamily, "restarts",
                          "Connections to the camera that were lost")
        state = family(core.GaugeMetricFamily, "camera_state",
                       "1 for the state that the camera is in", "state")
        share = family(core.GaugeMetricFamily, "class_share",
                       "Share of the class in the newest mask", "class")
        for observer in self._observers:
            name = [observer.name]
            frames.add_metric(name, observer.stat("frames"))
            inferences.add_metric(name, observer.stat("inferred"))
            seconds.add_metric(name, *self._histogram(observer))
            age.add_metric(name, observer.age)
            restarts.add_metric(name, observer.camera.restarts)
            current, _ = observer.camera.state()
            for other in STATES:
                state.add_metric([*name, other], int(other == current))
            for label, value in zip(observer.labels, observer.shares):
                share.add_metric([*name, label], value)
        yield from (frames, inferences, seconds, age, restarts, state, share)
        if self._viewers:
            yield core.GaugeMetricFamily(
                "fastscnn_viewers", "Browsers that are connected",
                value=self._viewers())

    @staticmethod
    def _histogram(observer):
        buckets, count = [], 0
        for edge, times in zip((*map(str, BUCKETS), "+Inf"),
                               observer.inference_times):
            count += times
            buckets.append((edge, count))
        return buckets, observer.inference_seconds


def health(observers):
    """Returns (healthy, answer of /healthz). A lost camera is not a fault of the
    process: restarting would not help."""
    hanging = any(observer.hangs() for observer in observers)
    return not hanging, {
        "status": "hanging" if hanging else "ok",
        "cameras": len(observers),
        "live": sum(observer.camera.live for observer in observers)}
