#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A test camera with the faults of real cameras.

Serves H.264 with gst-rtsp-server on 127.0.0.1 and prints its port. Mounts:
/0 to /7 (video), /locked (user "user", password "secret"), /audio (no video).
Commands on standard input, one per line, cause faults of all video mounts:

    stall SECONDS      no frames
    drop SECONDS       connections closed, port closed
    size               resolution and rate change in the middle of the stream
    corrupt SECONDS    bytes of frames are inverted
    jump SECONDS       timestamps jump, forward or (negative) back
    quit
"""

import argparse
import random
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtspServer  # noqa: E402,F401

MOUNTS = 8


class Clip:
    """Encoded frames of a source, to be sent in a loop."""

    def __init__(self, source, width, height, rate, frames, codec,
                 key_interval=12):
        encoder, media = {
            "h264": (f"x264enc key-int-max={key_interval} bframes=0 "
                     "tune=zerolatency speed-preset=ultrafast ! h264parse",
                     "video/x-h264"),
            "h265": (f"x265enc key-int-max={key_interval} tune=zerolatency "
                     "speed-preset=ultrafast ! h265parse", "video/x-h265"),
        }[codec]
        self.rate = rate
        pipeline = Gst.parse_launch(
            f"{source} ! videoconvert ! videoscale ! videorate ! "
            f"video/x-raw,format=I420,width={width},height={height},"
            f"framerate={rate}/1 ! {encoder} config-interval=-1 ! "
            f"{media},stream-format=byte-stream,alignment=au ! "
            "appsink name=out sync=false")
        pipeline.set_state(Gst.State.PLAYING)
        out = pipeline.get_by_name("out")
        self.frames = []
        while len(self.frames) < frames:
            sample = out.emit("pull-sample")
            if sample is None:
                break
            buffer = sample.get_buffer()
            self.frames.append(buffer.extract_dup(0, buffer.get_size()))
            self.caps = sample.get_caps()
        pipeline.set_state(Gst.State.NULL)
        if not self.frames:
            raise SystemExit(f"camera.py: no frames from {source}")


def make_auth():
    """Two roles: "user", with a password, and "anybody"."""
    auth = GstRtspServer.RTSPAuth()
    tokens = {}
    for role in ("user", "anybody"):
        tokens[role] = GstRtspServer.RTSPToken()
        tokens[role].set_string("media.factory.role", role)
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("user", "secret"),
                   tokens["user"])
    auth.set_default_token(tokens["anybody"])
    return auth


def permit(factory, role):
    """Lets everybody see the mount, but only `role` play it."""
    permissions = GstRtspServer.RTSPPermissions()
    for who in ("user", "anybody"):
        permissions.add_permission_for_role(who, "media.factory.access", True)
    permissions.add_permission_for_role(role, "media.factory.construct", True)
    factory.set_permissions(permissions)


def send_at_once(media, _state):
    """Sends packets at once, whatever their timestamps."""
    top = media.get_element()
    while top.get_parent():
        top = top.get_parent()
    top.iterate_sinks().foreach(
        lambda sink: sink.set_property("sync", False))


class Server:
    def __init__(self, port, clips, codec):
        self.clips = clips
        self.clip = 0
        self.frame = 0
        self.pts = 0
        self.due = GLib.get_monotonic_time() / 1e6  # the next frame
        self.silent_until = 0
        self.corrupt_until = 0
        self.offsets = {}  # added to timestamps, by the source that sends them
        self.random = random.Random(1)
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address("127.0.0.1")
        self.server.set_service(str(port))
        mounts = self.server.get_mount_points()
        for number in range(MOUNTS):
            mounts.add_factory(f"/{number}", self.video_factory(codec))
        mounts.add_factory("/locked", self.video_factory(codec, "user"))
        self.server.set_auth(make_auth())
        audio = GstRtspServer.RTSPMediaFactory(shared=True)
        permit(audio, "anybody")
        audio.set_launch("( audiotestsrc is-live=true wave=silence ! "
                         "alawenc ! rtppcmapay name=pay0 pt=8 )")
        mounts.add_factory("/audio", audio)
        self.listening = self.server.attach(None)
        self.port = self.server.get_bound_port()
        self.server.set_service(str(self.port))
        self.next_frame()

    def video_factory(self, codec, role="anybody"):
        factory = GstRtspServer.RTSPMediaFactory(shared=True)
        factory.set_launch(
            "( appsrc name=frames is-live=true format=time block=false "
            f"max-buffers=50 leaky-type=downstream ! {codec}parse ! "
            f"rtp{codec}pay name=pay0 pt=96 )")
        factory.connect("media-configure", self.add_media)
        permit(factory, role)
        return factory

    def add_media(self, _factory, media):
        source = media.get_element().get_by_name("frames")
        source.set_property("caps", self.clips[self.clip].caps)
        self.offsets[source] = None
        self.frame = 0  # a stream begins with a key frame
        media.connect("new-state", send_at_once)
        media.connect("unprepared",
                      lambda media: self.offsets.pop(source, None))

    def next_frame(self):
        clip = self.clips[self.clip]
        now = GLib.get_monotonic_time() / 1e6
        # Follow the clock, so that one late frame does not lower the rate.
        # Frames missed in a pause are not sent later.
        self.due = max(self.due + 1 / clip.rate, now - 0.5)
        GLib.timeout_add(max(0, int((self.due - now) * 1000)), self.next_frame)
        self.pts += Gst.SECOND // clip.rate
        if now < self.silent_until:
            return GLib.SOURCE_REMOVE
        data = clip.frames[self.frame % len(clip.frames)]
        self.frame += 1
        if now < self.corrupt_until:
            data = bytearray(data)
            for _ in range(20):
                data[self.random.randrange(8, len(data))] ^= 0xff
            data = bytes(data)
        for source, offset in list(self.offsets.items()):
            running = source.get_current_running_time()
            if running == Gst.CLOCK_TIME_NONE:
                continue
            if offset is None:
                offset = self.offsets[source] = running - self.pts
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = max(0, self.pts + offset)
            source.emit("push-buffer", buffer)
        return GLib.SOURCE_REMOVE

    def command(self, words):
        now = GLib.get_monotonic_time() / 1e6
        name, value = words[0], float(words[1]) if len(words) > 1 else 0
        if name == "stall":
            self.silent_until = now + value
        elif name == "corrupt":
            self.corrupt_until = now + value
        elif name == "jump":
            self.pts += int(value * Gst.SECOND)
        elif name == "size":
            self.clip = 1 - self.clip
            self.frame = 0
            for source in self.offsets:
                source.set_property("caps", self.clips[self.clip].caps)
        elif name == "drop":
            if self.listening:
                GLib.source_remove(self.listening)
                self.listening = 0
                GLib.timeout_add(int(value * 1000), self.listen)
            self.server.client_filter(
                lambda server, client: GstRtspServer.RTSPFilterResult.REMOVE)
        else:
            print(f"camera.py: no command {name}", file=sys.stderr)

    def listen(self):
        self.listening = self.server.attach(None)
        return GLib.SOURCE_REMOVE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--clip", help="a video file to send instead of a test pattern")
    parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--key-interval", type=int, default=12,
                        help="frames from one key frame to the next")
    options = parser.parse_args()
    Gst.init(None)
    picture = (f'filesrc location="{options.clip}" ! decodebin'
               if options.clip else "videotestsrc pattern=ball")
    clips = [Clip(picture, 640, 360, options.rate,
                  max(48, options.key_interval), options.codec,
                  options.key_interval),
             Clip(picture, 480, 270, 10, 24, options.codec)]
    server = Server(options.port, clips, options.codec)
    print(server.port, flush=True)
    loop = GLib.MainLoop()

    def read(channel, condition):
        line = sys.stdin.readline()
        if not line or line.strip() == "quit":
            loop.quit()
            return GLib.SOURCE_REMOVE
        server.command(line.split())
        return GLib.SOURCE_CONTINUE

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT,
                      GLib.IOCondition.IN | GLib.IOCondition.HUP, read)
    try:
        loop.run()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
