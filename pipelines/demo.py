#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments a video and draws the classes on it."""

import argparse
import collections
import os
import pathlib
import shlex
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SEGMENT = ("videoconvert ! videoflip video-direction=auto ! "
           "queue max-size-buffers=4 ! "
           "fastscnn name=net post-messages=true ! "
           "classmaskoverlay legend=top-left ! videoconvert")
# Even sizes and 4:2:0, which every player supports.
# async=false: with a live source in uridecodebin, GStreamer 1.22 sometimes forgets to
# set a sink that has waited for its first frame to PLAYING.
WRITE = ("videoscale ! video/x-raw,format=(string){{I420,NV12}},"
         "width=[2,8192,2],height=[2,8192,2] ! queue max-size-buffers=4 ! "
         "x264enc pass=qual quantizer=21 speed-preset=veryfast ! "
         "{mux} ! filesink name=file async=false")
NEXT = """
Next:
  xdg-open {output}
      plays the video
  pipelines/web.sh
      shows the clip, or cameras, on a page in the browser
  meson devenv -C build -w .
      opens a shell for the three pipelines of README.md: file, camera, JSON"""


class Failure(Exception):
    """An error message for the user."""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="demo.sh", description=__doc__,
        epilog="Ctrl-C stops; the video recorded so far stays playable.")
    parser.add_argument(
        "input", nargs="?", metavar="INPUT",
        default=str(HERE / "street.mp4"),
        help="video file, rtsp://…, or /dev/video0 "
             "(default: the included clip)")
    parser.add_argument(
        "output", nargs="?", metavar="OUTPUT", default="demo.mp4",
        help="H.264 video, .mp4 or .mkv (default: demo.mp4)")
    parser.add_argument("--show", action="store_true",
                        help="open a window instead of writing OUTPUT")
    parser.add_argument("--web", action="store_true",
                        help="open a page in the browser instead; web.sh can "
                             "do more")
    parser.add_argument("--seconds", type=float, metavar="N",
                        help="stop N seconds after the first mask")
    parser.add_argument("--backend", choices=("auto", "cuda", "cpu"),
                        default="auto", help="where the network runs")
    parser.add_argument("--model", metavar="FILE",
                        help="model to use (safetensors)")
    options = parser.parse_args()
    if options.seconds is not None and not options.seconds > 0:
        raise Failure("--seconds must be greater than 0")
    return options


def input_uri(name):
    if "://" in name:
        return name
    path = pathlib.Path(name)
    if not path.exists():
        raise Failure(f"{name} does not exist")
    if path.is_char_device():
        return f"v4l2://{path}"
    if not path.is_file():
        raise Failure(f"{name} is not a video file")
    return path.resolve().as_uri()


def check_output(options):
    output = pathlib.Path(options.output)
    if output.suffix not in (".mp4", ".mkv"):
        raise Failure(f"{output} must end in .mp4 or .mkv")
    if not output.resolve().parent.is_dir():
        raise Failure(f"the folder {output.resolve().parent} does not exist")
    source = pathlib.Path(options.input)
    if output.exists() and source.exists() and output.samefile(source):
        raise Failure(f"{output} cannot be both input and output")


class Demo:
    def __init__(self, options):
        self.options = options
        self.pixels = collections.Counter()
        self.failure = None
        self.ending = False
        self.first = None  # time of the first mask
        self.last_progress = 0.0
        self.loop = GLib.MainLoop()
        # An existing OUTPUT is replaced only by a complete recording.
        self.part = pathlib.Path(f"{options.output}.part")
        self.pipeline = self.make_pipeline()
        self.net = self.pipeline.get_by_name("net")

    def make_pipeline(self):
        options = self.options
        uri = input_uri(options.input)
        if options.show:
            end = "autovideosink name=window"
        else:
            end = WRITE.format(mux="matroskamux" if options.output.endswith(
                ".mkv") else "mp4mux")
        try:
            pipeline = Gst.parse_launch(
                "uridecodebin name=source expose-all-streams=false "
                f"caps=video/x-raw(ANY) source. ! {SEGMENT} ! {end}")
        except GLib.Error as error:
            raise Failure(error.message) from error
        source = pipeline.get_by_name("source")
        source.set_property("uri", uri)
        net = pipeline.get_by_name("net")
        Gst.util_set_object_arg(net, "backend", options.backend)
        # Every frame of a file is inferred; a camera must not be delayed.
        live = "://" in uri and not uri.startswith("file")
        net.set_property("async", live)
        if options.model:
            net.set_property("model-file", options.model)
        if not options.show:
            pipeline.get_by_name("file").set_property(
                "location", str(self.part))
        elif live:
            pipeline.get_by_name("window").connect("deep-element-added",
                                                   self.start_at_once)
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)
        bus.connect("message::eos", lambda bus, message: self.loop.quit())
        bus.connect("message::element", self.on_element)
        return pipeline

    def start_at_once(self, _window, _bin, element):
        """Sets async=false (see WRITE) on the sink that autovideosink chooses."""
        if element.find_property("async"):
            element.set_property("async", False)

    def on_error(self, _bus, message):
        error, _ = message.parse_error()
        self.failure = error.message.rstrip(".")
        # Errors of fastscnn are not about the input.
        if message.src != self.net:
            self.failure = f"{self.options.input}: {self.failure}"
        self.loop.quit()

    def on_element(self, _bus, message):
        structure = message.get_structure()
        if structure.get_name() != "classmask":
            return
        if self.first is None:
            self.first = time.monotonic()
        for label, count in zip(structure.get_value("labels"),
                                structure.get_value("pixels")):
            self.pixels[label] += count

    def stat(self, name):
        return self.net.get_property("stats").get_value(name)

    def progress(self):
        frames = self.stat("frames")
        # In the first second, the speed is not meaningful.
        if self.first and time.monotonic() - self.first >= 1:
            done = ""
            known, length = self.pipeline.query_duration(Gst.Format.TIME)
            _, position = self.pipeline.query_position(Gst.Format.TIME)
            if known and length > 0 <= position:
                done = f", {min(position / length, 1):.0%}"
            self.show_progress(f"{frames} frames{done}, "
                               f"{self.speed(frames):.1f} frames/s on "
                               f"{self.stat('backend')}")
        if (self.options.seconds and self.first and not self.ending
                and time.monotonic() - self.first > self.options.seconds):
            self.end()
        return GLib.SOURCE_CONTINUE

    def speed(self, frames):
        elapsed = time.monotonic() - (self.first or time.monotonic())
        return (frames - 1) / elapsed if elapsed > 0 else 0.0

    def show_progress(self, text):
        """Overwrites the line on a terminal; adds one to a log every 5 s."""
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.last_progress >= 5:
            self.last_progress = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def end(self):
        """Ends the stream; a second call does not wait for the end."""
        if self.ending:
            self.loop.quit()
        self.ending = True
        self.pipeline.send_event(Gst.Event.new_eos())

    def run(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.end())
        GLib.timeout_add(250, self.progress)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        frames, backend = self.stat("frames"), self.stat("backend")
        speed = self.speed(frames)
        self.pipeline.set_state(Gst.State.NULL)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        if not self.failure and not frames:
            self.failure = f"{self.options.input} contains no video"
        if not self.options.show:
            self.keep_output(frames)
        if self.failure:
            raise Failure(self.failure)
        self.report(frames, speed, backend)

    def keep_output(self, frames):
        if not self.failure:
            self.part.replace(self.options.output)
        elif frames:
            self.failure += f"; the video up to there is in {self.part}"
        else:
            self.part.unlink(missing_ok=True)

    def report(self, frames, speed, backend):
        where = "" if self.options.show else f" -> {self.options.output}"
        print(f"{self.options.input}{where}")
        print(f"{frames} frames, {speed:.1f} frames per second, "
              f"backend {backend}")
        total = sum(self.pixels.values()) or 1
        for label, count in self.pixels.most_common():
            if count:
                print(f"{count / total:7.1%}  {label}")
        if not self.options.show:
            sys.stdout.flush()
            print(NEXT.format(output=shlex.quote(self.options.output)),
                  file=sys.stderr)


def open_page(options):
    """Replaces this process by the program that web.sh runs."""
    program = HERE / "web/web.py"
    arguments = [options.input, "--open", "--backend", options.backend]
    for name in ("model", "seconds"):
        if getattr(options, name) is not None:
            arguments += [f"--{name}", str(getattr(options, name))]
    os.execv(program, [str(program), *arguments])


def main():
    options = parse_arguments()
    if options.web:
        open_page(options)
    global GLib, Gst
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst
    Gst.init(None)
    if not options.show:
        check_output(options)
    Demo(options).run()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"demo.sh: {failure}")
