#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures how late the web page shows a frame: from the moment a decoded
frame enters the camera's pipeline (conversion, network, drawing, encoding,
WebRTC over loopback, decoding in a headless Chromium) to the moment the
browser presents it.

Each frame carries the time in 32 squares, black or white; a script in the page
reads them from the video and compares with the clock of the same machine.
Inference runs beside the stream (async=true), as on the page. The delay of a
camera, in its encoder and in the jitter buffer (--latency), is not included.

    meson devenv -C build ../tests/bench/web-latency.py [--frames 300]
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "pipelines/apps"), str(ROOT / "pipelines/web")]
BITS = 32
WATCH = """
const [count, bits, done] = arguments, found = [];
const video = document.querySelector('#large-video');
const canvas = document.createElement('canvas');
canvas.width = bits; canvas.height = 1;
const context = canvas.getContext('2d', { willReadFrequently: true });
const look = () => {
  const now = performance.timeOrigin + performance.now();
  // The lowest sixteenth of the frame, one pixel a square.
  context.drawImage(video, 0, video.videoHeight * 15.25 / 16,
    video.videoWidth, video.videoHeight / 32, 0, 0, bits, 1);
  const pixels = context.getImageData(0, 0, bits, 1).data;
  let sent = 0;
  for (let bit = 0; bit < bits; bit++)
    // Sum of the three components, because the class colours shift them.
    sent = sent * 2 + (pixels[bit * 4] + pixels[bit * 4 + 1]
      + pixels[bit * 4 + 2] > 330 ? 1 : 0);
  found.push(((now % 2 ** bits) - sent + 2 ** bits) % 2 ** bits);
  if (found.length < count)
    video.requestVideoFrameCallback(look);
  else
    done(found);
};
video.requestVideoFrameCallback(look);
"""


def serve(options):
    """Runs web.py with a camera that draws the time. The parent reads the
    address from standard error."""
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
    Gst.init(None)
    import camera
    import cameras
    import web
    width, height, rate = options.width, options.height, options.rate

    caps = (f"video/x-raw,format=I420,width={width},height={height},"
            f"framerate={rate}/1")
    plain = height * 15 // 16  # rows above the squares
    color = bytes([128]) * (width * height // 2)

    class TimedCamera(camera.Camera):
        def _make_source(self):
            source = Gst.parse_launch(
                "appsrc name=time is-live=true format=time do-timestamp=true "
                f"caps={caps} ! appsink name=frames sync=false max-buffers=1 "
                "emit-signals=true enable-last-sample=false")
            self._watch_data(None,
                             source.get_by_name("frames")
                             .get_static_pad("sink"))
            self._every(1000 // rate, lambda: self.draw(source))
            return source

        @staticmethod
        def draw(source):
            now = int(time.time() * 1000) % 2 ** BITS
            row = b"".join(
                bytes([235 if now >> (BITS - 1 - bit) & 1 else 16])
                * (width // BITS) for bit in range(BITS))
            source.get_by_name("time").emit(
                "push-buffer", Gst.Buffer.new_wrapped(
                    b"\x60" * (width * plain) + row * (height - plain)
                    + color))

    cameras.make_source = lambda argument: (argument, "time", TimedCamera)
    sys.argv = ["web.sh", "rtsp://timed", "--listen", "0",
                "--size", f"{width}x{height}"]
    web.main()


def measure(options):
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", *sys.argv[1:]],
        stderr=subprocess.PIPE, text=True)
    chrome = webdriver.ChromeOptions()
    chrome.binary_location = shutil.which("chromium")
    for argument in ("headless=new", "no-sandbox", "disable-gpu",
                     "disable-dev-shm-usage", "window-size=1280,900"):
        chrome.add_argument(f"--{argument}")
    driver = None
    try:
        url = next(line.split()[1] for line in server.stderr
                   if line.startswith("open "))
        driver = webdriver.Chrome(
            service=Service(shutil.which("chromedriver")), options=chrome)
        driver.set_script_timeout(300)
        driver.get(url)
        time.sleep(5)  # warms up
        return sorted(driver.execute_async_script(
            WATCH, options.frames, BITS))
    finally:
        if driver:
            driver.quit()
        server.terminate()
        server.wait()
        server.stderr.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--serve", action="store_true",
                        help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
        return
    read = measure(options)
    # A mask edge that crosses a square makes the time unreadable.
    found = [late for late in read if late < 10000]
    print(json.dumps({
        "name": "web-latency", "width": options.width,
        "height": options.height, "rate": options.rate,
        "frames": len(found), "misread": len(read) - len(found),
        "ms_median": round(statistics.median(found)),
        "ms_p95": round(found[len(found) * 95 // 100]),
        "ms_max": round(found[-1])}))


if __name__ == "__main__":
    main()
