#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Raises an alarm when a class covers more than a share of a zone for some time.

    people_alarm.py rtsp://camera/stream --zones zones.json --zone gate --seconds 3

zones.json: {"gate": [[0.1, 0.5], [0.4, 0.5], [0.4, 1.0], [0.1, 1.0]]}, for each name a
polygon in fractions of the frame. Without a zone, the whole frame counts.

Prints a line with the stream time when the alarm begins, and another when it ends. It
reads no pixels, only the element message `classmask` that fastscnn posts with
post-messages=true.

Needs Debian's python3-gi and python3-gst-1.0.
"""

import argparse
import pathlib
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

# Inference must not delay live streams; files run at full speed. async=false: with a
# live source in uridecodebin, GStreamer 1.22 sometimes forgets to set a sink that has
# waited for its first frame to PLAYING.
PIPELINE = ("uridecodebin name=source ! videoconvert ! "
            "videoflip video-direction=auto ! "
            "fastscnn name=scnn post-messages=true mask-size=grid async={live} ! "
            "fakesink sync={live} async=false")


class Alarm:
    """Decides when the alarm begins and ends. Times are in nanoseconds."""

    def __init__(self, share, duration):
        self.share = share
        self.duration = duration
        self.since = None   # when the share was exceeded
        self.raised = False

    def update(self, time, share):
        """Returns "begins", "ends" or None."""
        if share <= self.share:
            ended, self.since, self.raised = self.raised, None, False
            return "ends" if ended else None
        if self.since is None:
            self.since = time
        if self.raised or time - self.since < self.duration:
            return None
        self.raised = True
        return "begins"


class Mistake(Exception):
    """An error message for the user."""


def find_classes(labels, message):
    """The ids of the classes with these labels or aliases."""
    known = message.get_value("labels")
    others = message.get_value("aliases")
    found = [number for number, label in enumerate(known)
             if label in labels or any(name in labels for name in others[number])]
    for label in labels:
        if label not in known and not any(label in names for names in others):
            raise Mistake(f"there is no class {label}; the model has "
                          + ", ".join(f"{name} ({', '.join(names)})" if names else name
                                      for name, names in zip(known, others)))
    return found


def find_zone(name, message):
    """The index of the zone in the message; None for the whole mask."""
    if not name:
        return None
    zones = message.get_value("zones")
    for number, zone in enumerate(zones):
        if zone.get_value("name") == name:
            return number
    raise Mistake(f"there is no zone {name}; the file has "
                  + ", ".join(zone.get_value("name") for zone in zones))


def share_of(classes, zone, message):
    """The share of the zone that these classes cover."""
    part = message if zone is None else message.get_value("zones")[zone]
    pixels = part.get_value("pixels")
    total = sum(pixels) + part.get_value("unknown")
    return sum(pixels[number] for number in classes) / max(total, 1)


class Watch:
    """Watches the messages of a stream."""

    def __init__(self, arguments):
        self.labels = arguments.label
        self.zone_name = arguments.zone
        self.alarm = Alarm(arguments.percent / 100, arguments.seconds * Gst.SECOND)
        self.model = self.classes = self.zone = None

    def update(self, message):
        """Prints what has changed."""
        if self.model != message.get_value("model"):  # it can be replaced
            self.model = message.get_value("model")
            self.classes = find_classes(self.labels, message)
            self.zone = find_zone(self.zone_name, message)
        share = share_of(self.classes, self.zone, message)
        time = message.get_value("stream-time")
        event = self.alarm.update(time, share)
        if event:
            where = f" of {self.zone_name}" if self.zone_name else ""
            print(f"{time / Gst.SECOND:.2f} s: {event}, "
                  f"{' and '.join(self.labels)} cover {share:.1%}{where}", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input", help="file, rtsp://… or another URI")
    parser.add_argument("--percent", type=float, default=5.0, metavar="X",
                        help="share of the zone (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="Y",
                        help="minimum duration (default: %(default)s)")
    parser.add_argument("--label", action="append", metavar="NAME",
                        help="class to look for; can be repeated (default: person)")
    parser.add_argument("--zones", metavar="FILE", help="JSON file of zones")
    parser.add_argument("--zone", metavar="NAME",
                        help="the zone to watch (default: the whole frame)")
    arguments = parser.parse_args()
    arguments.label = arguments.label or ["person"]
    if arguments.zone and not arguments.zones:
        parser.error("--zone needs --zones FILE")

    Gst.init(None)
    live = arguments.input.startswith("rtsp")
    pipeline = Gst.parse_launch(PIPELINE.format(live=live))
    pipeline.get_by_name("source").set_property(
        "uri", arguments.input if Gst.uri_is_valid(arguments.input) else
        pathlib.Path(arguments.input).resolve().as_uri())
    if arguments.zones:
        pipeline.get_by_name("scnn").set_property("zones", arguments.zones)
    watch = Watch(arguments)
    pipeline.set_state(Gst.State.PLAYING)
    bus = pipeline.get_bus()
    try:
        while True:
            message = bus.timed_pop_filtered(
                Gst.CLOCK_TIME_NONE, Gst.MessageType.ELEMENT |
                Gst.MessageType.EOS | Gst.MessageType.ERROR)
            if message.type == Gst.MessageType.EOS:
                break
            if message.type == Gst.MessageType.ERROR:
                sys.exit(f"people_alarm: {message.parse_error()[0].message}")
            structure = message.get_structure()
            if structure.get_name() == "classmask":
                watch.update(structure)
    except Mistake as mistake:
        sys.exit(f"people_alarm: {mistake}")
    except KeyboardInterrupt:
        pass
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
