#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Raises an alarm when people cover more than a share of the frame for some time.

    people_alarm.py rtsp://camera/stream --percent 5 --seconds 3

Prints a line once that has lasted long enough, and another when it is over. It
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

# Inference must not delay live streams; files run at full speed.
PIPELINE = ("uridecodebin name=source ! videoconvert ! "
            "videoflip video-direction=auto ! "
            "fastscnn post-messages=true mask-size=grid async={live} ! "
            "fakesink sync={live}")


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


def share_of(labels, message):
    """Returns the share of the mask that these labels cover."""
    people = sum(pixels for label, pixels in zip(
        message.get_value("labels"), message.get_value("pixels"))
        if label in labels)
    return people / (message.get_value("width") * message.get_value("height"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("input", help="file, rtsp://… or another URI")
    parser.add_argument("--percent", type=float, default=5.0, metavar="X",
                        help="share of the frame (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="Y",
                        help="minimum duration (default: %(default)s)")
    parser.add_argument("--label", action="append", metavar="NAME",
                        help="class to look for; can be repeated\n"
                        "(default: person, pedestrian, rider)")
    arguments = parser.parse_args()
    labels = arguments.label or ["person", "pedestrian", "rider"]

    Gst.init(None)
    live = arguments.input.startswith("rtsp")
    pipeline = Gst.parse_launch(PIPELINE.format(live=live))
    pipeline.get_by_name("source").set_property(
        "uri", arguments.input if Gst.uri_is_valid(arguments.input) else
        pathlib.Path(arguments.input).resolve().as_uri())
    alarm = Alarm(arguments.percent / 100, arguments.seconds * Gst.SECOND)
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
            if structure.get_name() != "classmask":
                continue
            time = structure.get_value("running-time")
            share = share_of(labels, structure)
            event = alarm.update(time, share)
            if event:
                print(f"{time / Gst.SECOND:.2f} s: {event}, "
                      f"{' and '.join(labels)} cover {share:.1%}", flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main()
