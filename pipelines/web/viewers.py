# SPDX-License-Identifier: LGPL-2.1-or-later
"""The connected browsers: each has one WebSocket, and one WebRTC connection for each
camera that is in view."""

import ctypes
import ipaddress
import json
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC, Soup  # noqa: E402

LARGEST_MESSAGE = 16 * 1024  # an SDP answer has about 2 kB
PACKETS = {
    "h264": ("h264parse ! rtph264pay config-interval=-1 "
             "aggregate-mode=zero-latency",
             "encoding-name=H264,packetization-mode=(string)1,"
             "profile-level-id=(string)42e01f,"
             "level-asymmetry-allowed=(string)1"),
    "vp8": ("rtpvp8pay picture-id-mode=15-bit", "encoding-name=VP8"),
}


class Stream:
    """Sends one camera to one browser, in a pipeline of its own, so that no other
    stream fails with it or waits for it."""

    LAUNCH = (
        "appsrc name=encoded is-live=true format=time max-buffers=20 "
        "max-bytes=0 leaky-type=downstream ! {payloader} mtu=1200 "
        "ssrc={ssrc} ! capssetter replace=true caps=\"{caps}\" ! "
        "webrtcbin name=peer bundle-policy=max-bundle latency=0")
    SSRC = 0x66736e31

    def __init__(self, camera, address, ports, send, ended):
        """`send (message)` and `ended ()` are called in the thread of the
        main loop."""
        self.camera = camera
        self._send = send
        self._ended = ended
        self._connected = False
        self._wants_key_frame = True
        self._closed = False
        payloader, encoding = PACKETS[camera.codec]
        caps = ("application/x-rtp,media=video,clock-rate=90000,payload=96,"
                f"ssrc=(uint){self.SSRC},{encoding}")
        self.pipeline = Gst.parse_launch(self.LAUNCH.format(
            payloader=payloader, ssrc=self.SSRC, caps=caps))
        # Both pipelines have the same running time, so timestamps need no change.
        self.pipeline.use_clock(camera.pipeline.get_pipeline_clock())
        self.pipeline.set_start_time(Gst.CLOCK_TIME_NONE)
        self.pipeline.set_base_time(camera.pipeline.get_base_time())
        self._source = self.pipeline.get_by_name("encoded")
        pad = self._source.get_static_pad("src")
        probe = pad.add_probe(Gst.PadProbeType.EVENT_UPSTREAM,
                              self._on_upstream)
        peer = self._peer = self.pipeline.get_by_name("peer")
        transceiver = peer.emit("get-transceiver", 0)
        transceiver.set_property(
            "direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        # Set the caps now, so that the offer need not wait for a frame.
        transceiver.set_property("codec-preferences",
                                 Gst.Caps.from_string(caps))
        transceiver.set_property("do-nack", True)
        ice = _ice_agent(peer)
        if ports:
            ice.set_property("min-rtp-port", ports[0])
            ice.set_property("max-rtp-port", ports[1])
        agent = ice.get_property("agent")
        agent.set_property("upnp", False)  # opens no ports in routers
        agent.set_property("ice-tcp", False)
        # Offer video only at the address that serves the page.
        if address:
            ice.emit("add-local-ip-address", address)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        handlers = [
            (object_, object_.connect(signal, function))
            for object_, signal, function in (
                (peer, "on-negotiation-needed", self._make_offer),
                (peer, "on-ice-candidate", self._on_candidate),
                (peer, "notify::connection-state", self._on_connection),
                (bus, "message::error", lambda bus, message: self._fail()))]

        def let_go():
            # Python's garbage collector does not see this cycle of references.
            pad.remove_probe(probe)
            bus.remove_signal_watch()
            for object_, handler in handlers:
                object_.disconnect(handler)

        self._let_go = let_go
        self.pipeline.set_state(Gst.State.PLAYING)

    def push(self, sample):
        """Takes a sample of the camera, in its streaming thread."""
        if not self._connected:
            return
        buffer = sample.get_buffer()
        if self._wants_key_frame:
            if buffer.has_flags(Gst.BufferFlags.DELTA_UNIT):
                return
            self._wants_key_frame = False
        if self._source.get_property("caps") != sample.get_caps():
            self._source.set_property("caps", sample.get_caps())
        frame = buffer.copy_region(
            Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.MEMORY,
            0, buffer.get_size())
        # x264enc adds an offset to its timestamps, and to its segment.
        frame.pts = sample.get_segment().to_running_time(
            Gst.Format.TIME, buffer.pts)
        self._source.emit("push-buffer", frame)

    def set_answer(self, text):
        """Takes the browser's SDP; raises ValueError if it is invalid."""
        result, sdp = GstSdp.SDPMessage.new_from_text(text)
        if result != GstSdp.SDPResult.OK or sdp.medias_len() != 1:
            raise ValueError("no answer to the offer")
        answer = GstWebRTC.WebRTCSessionDescription.new(
            GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self._peer.emit("set-remote-description", answer, None)

    def close(self):
        if self._closed:
            return
        self._closed = True
        self._connected = False
        self._let_go()
        pipeline = self.pipeline
        # Break all cycles: a stream has threads and sockets, which must not
        # wait for Python's garbage collector.
        self.pipeline = self._peer = self._let_go = None
        self._send = self._ended = None
        # Its threads may take a moment to end.
        threading.Thread(target=pipeline.set_state, args=(Gst.State.NULL,),
                         daemon=True).start()

    def _fail(self):
        if not self._closed:
            ended = self._ended
            self.close()
            ended()

    def _in_main_loop(self, function, *arguments):
        def call():
            if not self._closed:
                function(*arguments)
            return GLib.SOURCE_REMOVE
        GLib.idle_add(call)

    def _make_offer(self, peer):
        def on_offer(promise):
            reply = promise.get_reply()
            offer = reply.get_value("offer") if reply else None
            if offer is None:
                self._in_main_loop(self._fail)
                return
            peer.emit("set-local-description", offer, None)
            self._in_main_loop(self._send, {"type": "offer",
                                            "sdp": offer.sdp.as_text()})
        peer.emit("create-offer", None,
                  Gst.Promise.new_with_change_func(on_offer))

    def _on_candidate(self, _peer, line, candidate):
        self._in_main_loop(self._send, {
            "type": "candidate", "line": line, "candidate": candidate})

    def _on_connection(self, peer, _property):
        states = GstWebRTC.WebRTCPeerConnectionState
        state = peer.get_property("connection-state")
        if state == states.CONNECTED:
            self._connected = True
            self._in_main_loop(self.camera.send_key_frame)
        elif state in (states.FAILED, states.CLOSED):
            self._in_main_loop(self._fail)

    def _on_upstream(self, _pad, info):
        """A browser that lost packets asks for a key frame."""
        event = info.get_event()
        if (event.type == Gst.EventType.CUSTOM_UPSTREAM
                and event.get_structure().get_name() == "GstForceKeyUnit"):
            self._in_main_loop(self.camera.send_key_frame)
        return Gst.PadProbeReturn.OK


def _ice_agent(peer):
    """GStreamer before 1.24 leaves the property's object floating, and Python
    takes the only reference to it; webrtcbin gets one back."""
    ice = peer.get_property("ice-agent")
    if ice.__grefcount__ == 1:
        ctypes.CDLL("libgobject-2.0.so.0").g_object_ref(
            ctypes.c_void_p(hash(ice)))
    return ice


class Viewer:
    """One browser. An invalid message ends the connection."""

    SILENCE = 15.0  # seconds after which a browser is given up
    RATE, BURST = 20, 100  # messages a second, and at once

    def __init__(self, hall, socket, address):
        self.streams = {}  # by the camera's number
        self._hall = hall
        self._socket = socket
        self._address = address
        self._budget = float(self.BURST)
        self._heard = time.monotonic()
        self._waiting = False  # for the browser to confirm the last status
        self._told_classes = {}
        socket.connect("message", self._on_message)
        socket.connect("closed", lambda socket: hall.remove(self))
        self.send({"type": "hello", "cameras": [
            camera.name for camera in hall.cameras]})

    def send(self, message):
        if self._socket.get_state() == Soup.WebsocketState.OPEN:
            self._socket.send_text(json.dumps(message, ensure_ascii=False,
                                              separators=(",", ":")))

    def tell(self, status):
        """Sends the status of all cameras, unless the browser has not confirmed the
        last one."""
        if time.monotonic() - self._heard > self.SILENCE:
            self.close(Soup.WebsocketCloseCode.GOING_AWAY, "no answer")
            return
        for number, camera in enumerate(self._hall.cameras):
            if self._told_classes.get(number) != camera.classes:
                self._told_classes[number] = camera.classes
                self.send({"type": "classes", "camera": number,
                           "classes": camera.classes})
        if not self._waiting:
            self._waiting = True
            self.send(status)

    def close(self, code, reason):
        if self._socket.get_state() == Soup.WebsocketState.OPEN:
            self._socket.close(code, reason)
        self._hall.remove(self)

    def close_streams(self):
        for stream in self.streams.values():
            stream.close()
        self.streams = {}

    def _on_message(self, _socket, kind, data):
        now = time.monotonic()
        self._budget = min(self.BURST,
                           self._budget + (now - self._heard) * self.RATE) - 1
        self._heard = now
        try:
            if kind != Soup.WebsocketDataType.TEXT or self._budget < 0:
                raise ValueError("too much")
            message = json.loads(data.get_data())
            if not isinstance(message, dict):
                raise ValueError("no message")
            self._obey(message)
        except (ValueError, RecursionError) as error:
            self.close(Soup.WebsocketCloseCode.POLICY_VIOLATION, str(error))

    def _obey(self, message):
        kind, number = message.get("type"), message.get("camera")
        if kind == "seen":
            self._waiting = False
            return
        if type(number) is not int or not (
                0 <= number < len(self._hall.cameras)):
            raise ValueError("no such camera")
        camera = self._hall.cameras[number]
        if kind == "watch":
            self._watch(number, camera, message.get("anywhere") is True)
        elif kind == "unwatch":
            self._unwatch(number)
        elif kind == "answer":
            stream = self.streams.get(number)
            if stream and isinstance(message.get("sdp"), str):
                stream.set_answer(message["sdp"])
        elif kind == "set":
            settings = camera.check_settings(message)
            if settings:
                camera.change(settings)
                self._hall.tell_soon()
        elif kind == "history":
            self.send({"type": "history", "camera": number,
                       "shares": camera.history()})
        else:
            raise ValueError("no such message")

    def _watch(self, number, camera, anywhere):
        """anywhere: also offers the machine's other addresses, because some browsers
        do not send to loopback."""
        self._unwatch(number)
        loopback = ipaddress.ip_address(self._address).is_loopback
        stream = Stream(
            camera, None if anywhere and loopback else self._address,
            self._hall.ports,
            lambda message: self.send({**message, "camera": number}),
            lambda: self._on_ended(number, stream))
        self.streams[number] = stream
        self._hall.rearrange()

    def _unwatch(self, number):
        stream = self.streams.pop(number, None)
        if stream:
            stream.close()
            self._hall.rearrange()

    def _on_ended(self, number, stream):
        if self.streams.get(number) is stream:
            self._unwatch(number)
            self.send({"type": "ended", "camera": number})


class Hall:
    """All cameras and all browsers."""

    def __init__(self, cameras, most, ports=None):
        self.cameras = cameras
        self.viewers = []
        self.ports = ports
        self._most = most
        self._step = 0
        self._telling = 0
        self._streams = [() for _ in cameras]  # replaced, never changed
        for number, camera in enumerate(cameras):
            camera.on_encoded = (
                lambda sample, number=number: self._spread(number, sample))

    def observers(self):
        return [camera.observer for camera in self.cameras]

    def open(self, socket, address):
        if len(self.viewers) >= self._most:
            socket.close(4000, f"{self._most} browsers are watching already")
            return
        self.viewers.append(Viewer(self, socket, address))
        self.tell_soon()

    def remove(self, viewer):
        if viewer in self.viewers:
            self.viewers.remove(viewer)
            viewer.close_streams()
            self.rearrange()

    def rearrange(self):
        for number, camera in enumerate(self.cameras):
            self._streams[number] = tuple(
                viewer.streams[number] for viewer in self.viewers
                if number in viewer.streams)
            camera.set_watched(bool(self._streams[number]))

    def tick(self):
        for camera in self.cameras:
            camera.observer.tick()
        self._step += 1
        self.tell()

    def tell(self):
        status = {"type": "status", "viewers": len(self.viewers),
                  "step": self._step,
                  "cameras": [camera.status() for camera in self.cameras]}
        for viewer in list(self.viewers):
            viewer.tell(status)

    def tell_soon(self):
        """Sends the status soon, for a change that should not wait a second."""
        def tell():
            self._telling = 0
            self.tell()
            return GLib.SOURCE_REMOVE
        if not self._telling:
            self._telling = GLib.timeout_add(50, tell)

    def _spread(self, number, sample):
        for stream in self._streams[number]:
            stream.push(sample)
