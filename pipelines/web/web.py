#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows cameras with their classes on a web page. Run by web.sh."""

import argparse
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "apps")]
from failure import Failure  # noqa: E402

CLIP = HERE.parent / "street.mp4"
PACKAGES = {
    "webrtcbin": "gstreamer1.0-plugins-bad", "nicesrc": "gstreamer1.0-nice",
    "dtlsenc": "gstreamer1.0-plugins-bad", "srtpenc":
    "gstreamer1.0-plugins-bad", "x264enc": "gstreamer1.0-plugins-ugly",
    "rtph264pay": "gstreamer1.0-plugins-good"}


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="web.sh",
        description="Shows cameras with their classes on a web page, in any "
        "current browser.",
        epilog="What a viewer sets on the page changes the video for all viewers. "
        "/metrics is for Prometheus, /healthz for health checks.")
    parser.add_argument(
        "url", metavar="[NAME=]URL", nargs="*",
        help="rtsp://…, a video file (shown in a loop), /dev/video0, or @FILE "
             "that contains the URL, which keeps a password out of sight "
             "(default: the included clip)")
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="[ADDRESS:]PORT",
        help="any address but loopback requires a token "
             "(default: %(default)s)")
    parser.add_argument("--token-file", metavar="FILE",
                        help="the token, instead of a new one at every start")
    parser.add_argument("--cert", metavar="FILE", help="TLS: certificate, PEM")
    parser.add_argument("--key", metavar="FILE", help="TLS: its key, PEM")
    parser.add_argument("--viewers", type=int, default=20, metavar="N",
                        help="browsers at once (default: %(default)s)")
    parser.add_argument("--media-ports", type=port_range, metavar="FROM-TO",
                        help="UDP ports of the video, for firewalls "
                             "(default: any)")
    parser.add_argument("--metrics", metavar="[ADDRESS:]PORT",
                        help="serve /metrics and /healthz without a token here, "
                             "too (default address: 127.0.0.1)")
    parser.add_argument("--size", type=size, default=(1280, 720),
                        metavar="WxH", help="maximum size of the video "
                        "(default: 1280x720)")
    parser.add_argument("--bitrate", type=int, default=2500, metavar="KBIT",
                        help="kbit/s of each camera (default: %(default)s)")
    parser.add_argument("--codec", choices=("h264", "vp8"), default="h264",
                        help="video codec (default: %(default)s)")
    parser.add_argument("--open", action="store_true",
                        help="open the page in a browser")
    parser.add_argument("--backend", choices=("auto", "cuda", "cpu"),
                        default="auto", help="where the network runs")
    parser.add_argument("--model", metavar="FILE",
                        help="another model (safetensors)")
    parser.add_argument("--interval", type=int, default=0, metavar="N",
                        help="frames to skip between two inferences")
    parser.add_argument("--seconds", type=float, metavar="N",
                        help="stop after N seconds (default: at Ctrl-C)")
    parser.add_argument("--transport", choices=("tcp", "udp", "auto"),
                        default="tcp",
                        help="transport of RTP (default: %(default)s)")
    parser.add_argument("--latency", type=int, default=200, metavar="MS",
                        help="jitter buffer (default: %(default)s ms)")
    options = parser.parse_args()
    options.url = options.url or [f"street={CLIP}"]
    options.cameras = len(options.url)
    options.report = lambda text: print(text, file=sys.stderr, flush=True)
    if options.key and not options.cert:
        parser.error("--key needs --cert")
    return options


def size(text):
    width, height = map(int, text.split("x"))
    if min(width, height) < 16:
        raise ValueError
    return width, height


def port_range(text):
    first, last = map(int, text.split("-"))
    if not 0 < first <= last < 65536:
        raise ValueError
    return first, last


def check_elements():
    missing = {package for element, package in PACKAGES.items()
               if Gst.ElementFactory.find(element) is None}
    if missing:
        raise Failure(f"install {' '.join(sorted(missing))}")


def make_page(options):
    """Returns (server, hall): the page and its cameras, not started."""
    from cameras import WebCamera
    from server import Server, add_monitoring, read_token
    from viewers import LARGEST_MESSAGE, Hall
    token = read_token(options.token_file) if options.token_file else None
    server = Server(options.listen, token, options.cert, options.key)
    hall = Hall([WebCamera(argument, number, options)
                 for number, argument in enumerate(options.url)],
                options.viewers, options.media_ports)
    server.add_folder(HERE / "page")
    server.add_socket("/live", LARGEST_MESSAGE, hall.open)
    # The page asks here whether it may open the socket.
    server.routes["/session"] = lambda: (200, "application/json", b"{}")
    add_monitoring(server, hall.observers(), lambda: len(hall.viewers))
    return server, hall


def announce(server, report):
    url = server.url()
    if server.token is None:
        report(f"open {url}")
        return url
    # Browsers do not send what follows the #: no log and no proxy sees it.
    url += f"#{server.token}"
    report(f"open {url}")
    if not server.secure and not server.address.is_loopback:
        report("page and token are not encrypted; --cert and --key encrypt them")
    return url


def run(options):
    server, hall = make_page(options)
    loop = GLib.MainLoop()

    def end():
        loop.quit()
        return GLib.SOURCE_CONTINUE

    def tick():
        hall.tick()
        if all(camera.failure for camera in hall.cameras):
            loop.quit()
        return GLib.SOURCE_CONTINUE

    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, end)
    if options.seconds:
        GLib.timeout_add(int(options.seconds * 1000), end)
    GLib.timeout_add_seconds(1, tick)
    server.start()
    from server import serve_monitoring
    monitoring = options.metrics and serve_monitoring(
        options.metrics, hall.observers(), lambda: len(hall.viewers))
    for camera in hall.cameras:
        camera.start()
    url = announce(server, options.report)
    if options.open:
        import webbrowser
        webbrowser.open(url)
    loop.run()
    server.stop()
    if monitoring:
        monitoring.stop()
    for viewer in list(hall.viewers):
        hall.remove(viewer)
    for camera in hall.cameras:
        camera.stop()
    if all(camera.failure for camera in hall.cameras):
        raise Failure(hall.cameras[0].failure)


def main():
    options = parse_arguments()
    global GLib, Gst
    try:
        import gi
        gi.require_version("Gst", "1.0")
        gi.require_version("Soup", "3.0")
        gi.require_version("GstWebRTC", "1.0")
        gi.require_version("GstClassMask", "1.0")
        from gi.repository import GLib, Gst
        Gst.init(None)
        from camera import prefer_hardware_decoders
    except (ImportError, ValueError) as error:
        raise Failure(
            f"{error}; install python3-gst-1.0 gir1.2-gst-plugins-base-1.0 "
            "gir1.2-gst-plugins-bad-1.0 gir1.2-soup-3.0, and this project's "
            "GstClassMask-1.0.typelib") from error
    check_elements()
    prefer_hardware_decoders()
    run(options)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f"web.sh: {failure}")
