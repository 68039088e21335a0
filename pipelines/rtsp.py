#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments RTSP cameras continuously: an overlay, a mosaic or JSON lines. Run by
rtsp-overlay.sh, rtsp-wall.sh and rtsp-events.sh."""

import argparse
import math
import pathlib
import signal
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "apps"), str(HERE / "web")]
from failure import Failure  # noqa: E402

OVERLAY = ("videoconvert ! videoflip video-direction=auto ! "
           "{net} async=true ! classmaskoverlay")
ENCODE = ("videoconvert ! video/x-raw,format=I420 ! "
          "x264enc tune=zerolatency speed-preset=veryfast pass=qual "
          "quantizer=23 key-int-max=50 ! h264parse config-interval=-1")
URL_HELP = ("rtsp://…, or @FILE that contains it: everybody on a machine can see "
            "arguments, and passwords in them")


class Application:
    """The output pipeline, which runs as long as the program, and the cameras
    that feed it."""

    WATCH = 5  # seconds between two watchdog checks
    FLUSH = 10  # seconds to finish a file

    def __init__(self, options, launch, urls):
        self.options = options
        self.failure = None
        self.systemd = Systemd()
        self.loop = GLib.MainLoop()
        self.sent = 0  # buffers that reached the sinks
        self.progress = (0, 0)  # frames and sent buffers at the last check
        self.ending = False
        try:
            self.pipeline = Gst.parse_launch(launch)
        except GLib.Error as error:
            raise Failure(error.message) from error
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::eos", lambda bus, message: self.loop.quit())
        self.cameras = [
            Camera(url, self.pipeline.get_by_name(f"camera{number}"),
                   self.reporter(url), options.transport, options.latency)
            for number, url in enumerate(urls)]

    @staticmethod
    def reporter(url):
        name = without_password(url)
        return lambda text: print(f"{name}: {text}", file=sys.stderr,
                                  flush=True)

    def on_error(self, _bus, message):
        self.failure = message.parse_error()[0].message.rstrip(".")
        self.loop.quit()

    def watch(self):
        """Lets systemd restart the program if frames arrive and nothing leaves
        the pipeline."""
        frames = sum(camera.frames for camera in self.cameras)
        if frames == self.progress[0] or self.sent != self.progress[1]:
            self.systemd.notify("WATCHDOG=1")
        self.progress = frames, self.sent
        return GLib.SOURCE_CONTINUE

    def count(self, _pad, _info):
        self.sent += 1
        return Gst.PadProbeReturn.OK

    def end(self):
        """Ends the stream; a second call does not wait for the end."""
        if self.ending:
            self.loop.quit()
            return GLib.SOURCE_REMOVE
        self.ending = True
        for camera in self.cameras:
            camera.stop()
        self.pipeline.send_event(Gst.Event.new_eos())
        GLib.timeout_add_seconds(self.FLUSH, self.loop.quit)
        return GLib.SOURCE_CONTINUE

    def run(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.end())
        if self.options.seconds:
            GLib.timeout_add(int(self.options.seconds * 1000),
                             lambda: self.end() and GLib.SOURCE_REMOVE)
        GLib.timeout_add_seconds(self.WATCH, self.watch)
        for sink in _list(self.pipeline.iterate_sinks()):
            sink.get_static_pad("sink").add_probe(
                Gst.PadProbeType.BUFFER, self.count)
        self.pipeline.set_state(Gst.State.PLAYING)
        for camera in self.cameras:
            camera.start()
        self.systemd.notify("READY=1")
        self.loop.run()
        for camera in self.cameras:
            camera.stop()
        self.pipeline.set_state(Gst.State.NULL)
        if self.failure:
            raise Failure(self.failure)


def _list(iterator):
    found = []
    iterator.foreach(found.append)
    return found


def network(options):
    words = ["fastscnn", f"backend={options.backend}",
             f"interval={options.interval}"]
    if options.model:
        words.append(f"model-file={quoted(options.model)}")
    return " ".join(words)


def quoted(text):
    """Quotes the text for a gst-launch line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def output(options):
    if options.show:
        return "videoconvert ! autovideosink sync=false"
    if options.serve:
        return (f"{ENCODE} ! video/x-h264,stream-format=byte-stream,"
                "alignment=au ! appsink name=encoded sync=false "
                "emit-signals=true enable-last-sample=false")
    # Write fragments, unbuffered, so that a kill costs a second of video, not the
    # whole file.
    mux = ("matroskamux" if options.record.endswith(".mkv")
           else "mp4mux fragment-duration=1000")
    return (f"{ENCODE} ! {mux} ! filesink "
            f"location={quoted(options.record)} buffer-mode=unbuffered")


def connect_server(options, pipeline):
    if options.serve:
        server = RtspServer(options.serve)
        server.encoder = pipeline.get_by_name("encoded")
        server.encoder.connect("new-sample", server.push)
        address = options.serve
        if ":" not in address:
            address = f"127.0.0.1:{address}"
        print(f"serving rtsp://{address}/overlay", file=sys.stderr, flush=True)


STEADY = ("videoscale name=fit ! videoconvert ! capsfilter name=size ! "
          "capssetter name=rate ! queue")


def keep_first_format(pipeline):
    """Keeps the size and rate of the first frame, and scales later frames to it.
    Recordings and clients cannot follow a camera that changes them, and mp4mux
    would overwrite its first fragment at the end. Timestamps are right whatever
    rate is announced."""

    def on_event(_pad, info):
        event = info.get_event()
        if event.type != Gst.EventType.CAPS:
            return Gst.PadProbeReturn.OK
        first = GstVideo.VideoInfo.new_from_caps(event.parse_caps())
        # mp4mux needs a rate even if the camera does not announce one.
        rate = f"{first.fps_n}/{first.fps_d}" if first.fps_n > 0 else "25/1"
        colors = first.colorimetry.to_string()
        pipeline.get_by_name("size").set_property("caps", Gst.Caps.from_string(
            f"video/x-raw,format=I420,width={first.width // 2 * 2},"
            f"height={first.height // 2 * 2},pixel-aspect-ratio=1/1,"
            "chroma-site=mpeg2"
            + (f",colorimetry=(string){colors}" if colors else "")))
        pipeline.get_by_name("rate").set_property("caps", Gst.Caps.from_string(
            f"video/x-raw,framerate={rate},interlace-mode=progressive"))
        return Gst.PadProbeReturn.REMOVE

    pipeline.get_by_name("fit").get_static_pad("sink").add_probe(
        Gst.PadProbeType.EVENT_DOWNSTREAM, on_event)


def overlay(options):
    launch = " ! ".join((APPSRC.format(name="camera0"),
                         OVERLAY.format(net=network(options)),
                         STEADY, output(options)))
    application = Application(options, launch, [read_url(options.url)])
    keep_first_format(application.pipeline)
    connect_server(options, application.pipeline)
    application.run()
    if options.record and application.cameras[0].frames == 0:
        raise Failure(f"no frame arrived; {options.record} is empty")


def wall(options):
    if len(options.url) > 16:
        raise Failure(f"a mosaic holds up to 16 cameras, not {len(options.url)}")
    columns = math.ceil(math.sqrt(len(options.url)))
    rows = math.ceil(len(options.url) / columns)
    width, height = (int(side) for side in options.size.split("x"))
    tile_width, tile_height = width // columns, height // rows
    # The tile of an absent camera turns dark, and the others do not wait for it;
    # the black test source keeps the mosaic running even if all are absent.
    # Streams do not end at the same moment: the last frame of an ended one stays
    # visible until all have ended.
    # The colorimetry is fixed. Otherwise the compositor would change to that of the
    # first camera when it arrives, and mp4mux would overwrite its first fragment.
    picture = (f"video/x-raw,format=I420,width={width},height={height},"
               f"framerate={options.rate}/1,colorimetry=bt709,chroma-site=mpeg2")
    mixer = ["compositor name=wall background=black latency=100000000 "
             "ignore-inactive-pads=true"]
    branches = [f"videotestsrc is-live=true pattern=black ! {picture} ! "
                "wall.sink_99"]
    for number in range(len(options.url)):
        row, column = divmod(number, columns)
        mixer.append(f"sink_{number}::xpos={column * tile_width} "
                     f"sink_{number}::ypos={row * tile_height} "
                     f"sink_{number}::width={tile_width} "
                     f"sink_{number}::height={tile_height} "
                     f"sink_{number}::zorder={number + 1} "
                     f"sink_{number}::sizing-policy=keep-aspect-ratio "
                     f"sink_{number}::max-last-buffer-repeat=2000000000 "
                     f"sink_{number}::repeat-after-eos=true")
        branches.append(f"{APPSRC.format(name=f'camera{number}')} ! "
                        f"{OVERLAY.format(net=network(options))} ! "
                        f"queue max-size-buffers=2 leaky=downstream ! "
                        f"wall.sink_{number}")
    launch = (f"{' '.join(mixer)} sink_99::zorder=0 ! {picture} ! "
              f"{output(options)} {' '.join(branches)}")
    application = Application(options, launch, map(read_url, options.url))
    connect_server(options, application.pipeline)
    application.run()


def serve_metrics(options, application):
    """Returns the server."""
    from observer import Observer
    from server import serve_monitoring
    observer = Observer(options.name, application.cameras[0],
                        application.pipeline.get_by_name("net"))
    application.pipeline.get_bus().connect(
        "message::element", lambda bus, message: observer.on_message(message))

    def tick():
        observer.tick()
        return GLib.SOURCE_CONTINUE

    GLib.timeout_add_seconds(1, tick)
    return serve_monitoring(options.listen, [observer])


def events(options):
    watched = (" name=net post-messages=true"
               if options.listen is not None else "")
    launch = (f"{APPSRC.format(name='camera0')} ! "
              f"videorate drop-only=true max-rate={options.rate} ! "
              "queue max-size-buffers=1 leaky=downstream ! videoconvert ! "
              "videoflip video-direction=auto ! "
              f"{network(options)}{watched} ! classmaskjson ! appsink name=lines "
              "sync=false emit-signals=true enable-last-sample=false")
    url = read_url(options.url)
    application = Application(options, launch, [url])
    server = None
    if options.listen is not None:
        server = serve_metrics(options, application)
    mqtt = None
    if options.mqtt:
        parts = urllib.parse.urlsplit(without_password(url))
        topic = options.topic or f"fastscnn/{parts.netloc}{parts.path}"
        mqtt = MqttPublisher(options.mqtt, topic, application.reporter(url))
        mqtt.start()

    def on_line(appsink):
        buffer = appsink.emit("pull-sample").get_buffer()
        line = buffer.extract_dup(0, buffer.get_size()).decode()
        if mqtt:
            mqtt.publish(line)
        if not mqtt or options.stdout:
            try:
                print(line, end="", flush=True)
            except BrokenPipeError:
                return Gst.FlowReturn.EOS
        return Gst.FlowReturn.OK

    application.pipeline.get_by_name("lines").connect("new-sample", on_line)
    application.run()
    if server:
        server.stop()
    if mqtt:
        mqtt.stop()


def add_output_options(parser):
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--record", metavar="FILE",
                       help="record to FILE, .mp4 or .mkv")
    group.add_argument("--serve", metavar="[ADDRESS:]PORT",
                       help="serve rtsp://ADDRESS:PORT/overlay "
                            "(default address: 127.0.0.1)")
    group.add_argument("--show", action="store_true", help="open a window")


def parse_arguments():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--backend", choices=("auto", "cuda", "cpu"),
                        default="auto", help="where the network runs")
    common.add_argument("--model", metavar="FILE",
                        help="model to use (safetensors)")
    common.add_argument("--interval", type=int, default=0, metavar="N",
                        help="frames to skip between two inferences")
    common.add_argument("--seconds", type=float, metavar="N",
                        help="stop after N seconds (default: at Ctrl-C)")
    common.add_argument("--transport", choices=("tcp", "udp", "auto"),
                        default="tcp",
                        help="transport of RTP (default: %(default)s)")
    common.add_argument("--latency", type=int, default=200, metavar="MS",
                        help="jitter buffer (default: %(default)s ms)")
    parser = argparse.ArgumentParser(
        prog="rtsp.py", description="Segments RTSP cameras.")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser(
        "overlay", parents=[common], prog="rtsp-overlay.sh",
        help="draw the classes on the video",
        description="Draws the classes on a camera's video, and keeps running "
        "when the camera fails. Ctrl-C stops and completes the file.")
    command.add_argument("url", metavar="URL", help=URL_HELP)
    add_output_options(command)
    command.set_defaults(run=overlay)

    command = commands.add_parser(
        "wall", parents=[common], prog="rtsp-wall.sh",
        help="show up to 16 cameras in a mosaic",
        description="Shows up to 16 cameras with their classes in a mosaic.")
    command.add_argument("url", metavar="URL", nargs="+", help=URL_HELP)
    add_output_options(command)
    command.add_argument("--size", default="1280x720", metavar="WxH",
                         help="size of the mosaic (default: %(default)s)")
    command.add_argument("--rate", type=int, default=25, metavar="N",
                         help="frames per second (default: %(default)s)")
    command.set_defaults(run=wall)

    command = commands.add_parser(
        "events", parents=[common], prog="rtsp-events.sh",
        help="write JSON lines to standard output or MQTT",
        description="Writes what a camera sees as JSON lines (classmaskjson).")
    command.add_argument("url", metavar="URL", help=URL_HELP)
    command.add_argument("--rate", type=int, default=1, metavar="N",
                         help="lines per second (default: %(default)s)")
    command.add_argument("--mqtt", metavar="HOST[:PORT]",
                         help="publish to this broker")
    command.add_argument("--topic", help="MQTT topic (default: "
                                         "fastscnn/HOST/PATH of the camera)")
    command.add_argument("--stdout", action="store_true",
                         help="print lines even with --mqtt")
    command.add_argument("--listen", metavar="[ADDRESS:]PORT",
                         help="serve /metrics for Prometheus and /healthz "
                              "(default address: 127.0.0.1)")
    command.add_argument("--name", default="camera",
                         help="name of the camera in /metrics "
                              "(default: %(default)s)")
    command.set_defaults(run=events)
    return parser.parse_args()


def main():
    options = parse_arguments()
    # --help works without GStreamer.
    global GLib, Gst, GstVideo, MqttPublisher, RtspServer, Systemd
    global APPSRC, Camera, read_url, without_password
    from outputs import (GLib, Gst, GstVideo, MqttPublisher, RtspServer,
                         Systemd)
    from camera import (APPSRC, Camera, prefer_hardware_decoders, read_url,
                        without_password)
    Gst.init(None)
    prefer_hardware_decoders()
    options.run(options)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f"rtsp-{sys.argv[1]}.sh: {failure}")
