# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers of the pipeline tests: a camera with faults, waiting, and the resources
that a process holds."""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "pipelines" / "apps"), str(ROOT / "tests/support")]

from gi.repository import GLib  # noqa: E402

CLIP = ROOT / "pipelines" / "street.mp4"
PATIENCE = 120  # seconds; for machines that are busy with other things


class FaultyCamera:
    """Runs tests/support/camera.py."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [str(ROOT / "tests/support/camera.py"), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def url(self, mount="0", user=""):
        return f"rtsp://{user}127.0.0.1:{self.port}/{mount}"

    def command(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def write_phone_video(path, frames=20):
    """Writes the beginning of the clip with a rotation by 90 degrees in the header
    of the track, as phones do."""
    line = (f"filesrc location={CLIP} ! decodebin ! identity eos-after={frames + 1} "
            f"! videoconvert ! x264enc ! mp4mux ! filesink location={path}")
    subprocess.run(["gst-launch-1.0", "-q", *line.split()], check=True)
    content = path.read_bytes()
    matrix = content.index(b"tkhd") + 44
    turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content[:matrix] + turn + content[matrix + 36:])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start_broker(port):
    """Starts an MQTT broker and waits until it listens; None if there is none."""
    path = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
    if path is None or shutil.which("mosquitto_sub") is None:
        return None
    process = subprocess.Popen([path, "-p", str(port)],
                               stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    if not wait_until(listens, 60):
        raise RuntimeError(f"mosquitto does not listen on port {port}")
    return process


def wait(condition, what, seconds=PATIENCE):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def wait_until(condition, seconds):
    """Runs the main loop until condition() is true or the time is over; returns
    whether it is true."""
    end = time.monotonic() + seconds
    context = GLib.MainContext.default()
    while time.monotonic() < end:
        while context.iteration(False):
            pass
        if condition():
            return True
        time.sleep(0.005)
    return bool(condition())


def run_for(seconds):
    wait_until(lambda: False, seconds)


def threads(pid="self"):
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid="self"):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_bytes(pid="self"):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
