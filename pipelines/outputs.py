# SPDX-License-Identifier: LGPL-2.1-or-later
"""The outputs of rtsp.py other than files: RTSP clients, an MQTT broker, and
notifications to systemd. Failures are an OSError with a message for the user."""

import os
import socket
import subprocess
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer, GstVideo  # noqa: E402


class Systemd:
    """Notifies systemd, if it started this program."""

    def __init__(self):
        self.address = os.environ.get("NOTIFY_SOCKET", "")
        if self.address.startswith("@"):
            self.address = "\0" + self.address[1:]

    def notify(self, text):
        if self.address:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
                peer.sendto(text.encode(), self.address)


class RtspServer:
    """Serves an encoded stream over RTSP to any number of clients."""

    CLEAN_UP = 10  # seconds between checks for expired sessions

    def __init__(self, where):
        address, _, port = where.rpartition(":")
        self.sources = []
        self.encoder = None
        self.server = GstRtspServer.RTSPServer()
        self.server.set_address(address or "127.0.0.1")
        self.server.set_service(port)
        factory = GstRtspServer.RTSPMediaFactory(shared=True)
        factory.set_launch(
            "( appsrc name=encoded is-live=true format=time do-timestamp=true "
            "max-buffers=50 leaky-type=downstream ! h264parse ! "
            "rtph264pay name=pay0 pt=96 config-interval=-1 )")
        factory.connect("media-configure", self.add_media)
        self.server.get_mount_points().add_factory("/overlay", factory)
        if not self.server.attach(None):
            raise OSError(f"cannot listen on {where}; choose a free port")
        self.server.connect("client-connected", self.on_connected)
        GLib.timeout_add_seconds(self.CLEAN_UP, self.clean_up)

    def clean_up(self):
        """Drops sessions of clients that vanished; the library does not."""
        self.server.get_session_pool().cleanup()
        return GLib.SOURCE_CONTINUE

    def on_connected(self, _server, client):
        """A client that starts to play needs a key frame."""
        client.connect("play-request", lambda client, context:
                       self.request_key_frame())

    def request_key_frame(self):
        self.encoder.send_event(
            GstVideo.video_event_new_upstream_force_key_unit(
                Gst.CLOCK_TIME_NONE, True, 0))

    def add_media(self, _factory, media):
        source = media.get_element().get_by_name("encoded")
        self.sources.append(source)
        media.connect("unprepared", lambda media: self.sources.remove(source))
        self.request_key_frame()

    def push(self, appsink):
        sample = appsink.emit("pull-sample")
        for source in list(self.sources):
            buffer = sample.get_buffer()
            copy = buffer.copy_region(
                Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.MEMORY,
                0, buffer.get_size())
            source.set_property("caps", sample.get_caps())
            source.emit("push-buffer", copy)
        return Gst.FlowReturn.OK


class MqttPublisher:
    """Publishes lines with mosquitto_pub, and restarts it when it exits. While
    the broker is unreachable, lines are lost but the stream continues. Credentials
    and TLS settings belong in the configuration file of mosquitto_pub."""

    RETRY = 2.0  # seconds between starts

    def __init__(self, broker, topic, report):
        host, _, port = broker.partition(":")
        self.command = ["mosquitto_pub", "-h", host, "-p", port or "1883",
                        "-t", topic, "-l"]
        self.report = report
        self.process = None
        self.rest = b""  # of a line that did not fit into the pipe
        self.warned = False
        self.next_start = 0.0

    def start(self):
        self.next_start = time.monotonic() + self.RETRY
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
        except FileNotFoundError as error:
            raise OSError("mosquitto_pub is missing; install the package "
                          "mosquitto-clients") from error
        os.set_blocking(self.process.stdin.fileno(), False)
        self.rest = b""

    def publish(self, line):
        if self.process is None or self.process.poll() is not None:
            if self.process is not None and not self.warned:
                self.warned = True
                self.report("cannot reach the MQTT broker; trying again")
            if time.monotonic() < self.next_start:
                return
            self.stop()
            self.start()
        try:
            self.write(self.rest)
            if not self.rest:
                self.write(line.encode())
        except (BlockingIOError, BrokenPipeError):
            return
        if time.monotonic() > self.next_start:
            self.warned = False

    def write(self, data):
        self.rest = data[os.write(self.process.stdin.fileno(), data):]

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.terminate()
                self.process.wait()
            self.process = None
