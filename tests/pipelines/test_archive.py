#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/archive.sh writes what one process would have written, whatever happens
to the workers."""

import argparse
import contextlib
import html.parser
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import gi  # noqa: E402

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402
from archives import (  # noqa: E402
    MANY, SLOW, SMALL, Folder, long_recording, one_process, read_video, record)
from streams import CLIP, PATIENCE, ROOT, wait  # noqa: E402
import tap  # noqa: E402

sys.path.insert(0, str(ROOT / "pipelines/archive"))
import recordings  # noqa: E402
import segmenting  # noqa: E402
from failures import Failure  # noqa: E402

try:
    import cryptography  # noqa: F401
    import distributed
    import batch
    import manifest
    import work
except ImportError:
    distributed = None

MISSING = "no python3-distributed or python3-cryptography"
ARCHIVE = ROOT / "pipelines/archive/archive.py"
HOSTS = "--hosts"


def damage_key_frame(path, number):
    """Overwrites the data of the key frame with this number, from 1, in an MP4 file."""
    pipeline = Gst.parse_launch(f"filesrc location={path} ! qtdemux ! "
                                "appsink name=out sync=false")
    pipeline.set_state(Gst.State.PLAYING)
    while sample := pipeline.get_by_name("out").pull_sample():
        buffer = sample.get_buffer()
        if not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT):
            number -= 1
            if number == 0:
                frame = buffer.extract_dup(0, buffer.get_size())
    pipeline.set_state(Gst.State.NULL)
    content = path.read_bytes()
    begin = content.index(frame)
    size = 6  # length, kind and the beginning of the slice
    path.write_bytes(content[:begin + size] + b"\xff" * (len(frame) - size)
                     + content[begin + len(frame):])
    return path

class Inputs(Folder):
    def find(self, *arguments):
        return [(found.name, found.uri) for found in recordings.find(
            list(map(str, arguments)), self.folder / "out")]

    def test_folders_patterns_and_lists(self):
        for name in ("a/x.mp4", "b/x.mp4", "b/notes.txt", "out/x.masks.mkv"):
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x")
        uris = [(self.folder / name).as_uri() for name in ("a/x.mp4", "b/x.mp4")]
        self.assertEqual(self.find(self.folder),
                         [("a/x.mp4", uris[0]), ("b/x.mp4", uris[1])])
        self.assertEqual(self.find(self.folder / "a/*"), [("x.mp4", uris[0])])
        listed = self.folder / "list"
        listed.write_text(f"# mine\n{self.folder}/a\n\nhttp://u:p@h/v/y%20.mkv\n")
        self.assertEqual(self.find(f"@{listed}"), [
            ("x.mp4", uris[0]), ("y .mkv", "http://u:p@h/v/y%20.mkv")])
        found = recordings.find([f"@{listed}"], self.folder / "out")
        self.assertEqual(found[1].where, "http://h/v/y%20.mkv")
        for arguments, why in (((self.folder / "a", self.folder / "b"),
                                "the same name"),
                               ((self.folder / "c*",), "there is no"),
                               ((self.folder / "out",), "no recordings"),
                               (("rtsp://h/x",), "not supported")):
            with self.assertRaisesRegex(Failure, why):
                self.find(*arguments)


@unittest.skipIf(distributed is None, MISSING)
class Plans(Folder):
    """Decisions that are made before any worker starts."""

    def read(self, **options):
        values = {"model": None, "backend": "cpu", "threads": 1, "piece": 120,
                  "fastscnn": "", "json": "", "masks": False}
        return batch.read_options(argparse.Namespace(**{**values, **options}))

    def test_options(self):
        self.assertEqual(self.read()[1], (120, 1))
        self.assertEqual(self.read(fastscnn="interval=4")[1], (120, 5))
        self.assertEqual(self.read(fastscnn="smoothing=0.5")[1], (0, 1))
        for options, why in (({"fastscnn": "async=true"}, "async=true gives"),
                             ({"fastscnn": "colour=red"}, "no property"),
                             ({"fastscnn": "! fakesink"}, "more than properties"),
                             ({"model": "none"}, "there is no model none"),
                             ({"json": "x=1"}, "no property")):
            with self.subTest(options), self.assertRaisesRegex(Failure, why):
                self.read(**options)

    def test_workers_that_cannot_take_part(self):
        self.assertRegex(work.check(self.folder / "no/marker", None, ""),
                         "has no folder .*; share it")
        marker = self.folder / "marker"
        marker.touch()
        model_hash = segmenting.hash_model(None)
        self.assertRegex(work.check(marker, None, "0" * 64), "model differs")
        self.assertIsNone(work.check(marker, None, model_hash))
        with self.assertRaisesRegex(Failure, "The cuda engine"):
            segmenting.Segmenter(segmenting.Options(
                model_hash=model_hash, backend="cuda", fastscnn="cuda-device-id=999"))

    def test_what_is_done(self):
        output = manifest.Manifest(self.folder)
        identity, options = {"size": 3, "time": 4}, {"masks": False}
        files = output.outputs("x/a.mp4", True)
        self.assertEqual(files["masks"], "x/a.mp4.masks.mkv")
        self.assertFalse(output.is_done("x/a.mp4", identity, options))
        output.recordings["x/a.mp4"] = {
            **identity, "options": options, "state": "done", "outputs": files}
        output.save()
        (self.folder / "x").mkdir()
        for file in files.values():
            self.assertFalse(output.is_done("x/a.mp4", identity, options))
            (self.folder / file).touch()
        again = manifest.Manifest(self.folder)
        self.assertTrue(again.is_done("x/a.mp4", identity, options))
        self.assertFalse(again.is_done("x/a.mp4", {**identity, "time": 5}, options))
        self.assertFalse(again.is_done("x/a.mp4", identity, {"masks": True}))
        with again.locked(), self.assertRaisesRegex(Failure, "another archive.sh"):
            with output.locked():
                pass
        (self.folder / "manifest.json").write_text("{")
        with self.assertRaisesRegex(Failure, "not a manifest"):
            manifest.Manifest(self.folder)


@unittest.skipIf(distributed is None, MISSING)
class Batches(Folder):
    """archive.py with workers of this machine."""

    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"

    def start(self, *arguments, properties=SMALL):
        process = subprocess.Popen(
            [str(ARCHIVE), *map(str, arguments), "--out", str(self.out),
             "--piece", "0.4", "--fastscnn", properties],
            env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"},
            start_new_session=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_archive(self, *arguments, status=0, **options):
        process = self.start(*arguments, **options)
        out, errors = process.communicate(timeout=2 * PATIENCE)
        print(out, errors)
        self.assertEqual(process.returncode, status, errors)
        self.assertNotIn("Traceback", errors)
        return dict(line.split(None, 1) for line in out.splitlines()), errors

    def manifest(self):
        return json.loads((self.out / "manifest.json").read_text())["recordings"]

    def times(self):
        return {path: path.stat().st_mtime_ns
                for path in self.out.rglob("*.jsonl")}

    def pieces(self):
        return list(self.out.glob(".pieces/*/*/*.jsonl"))

    def test_folder_with_broken_recordings(self):
        source = self.folder / "in"
        source.mkdir()
        good = record(source / "good.mp4")
        shutil.copy(good, source / "more.mp4")
        # A piece that begins there would lack the frames that a decoder conceals.
        damage_key_frame(record(source / "seam.mp4"), 3)
        (source / "empty.mp4").touch()
        (source / "text.mkv").write_text("no video\n")
        clip = CLIP.read_bytes()
        (source / "cut.mp4").write_bytes(clip[:len(clip) // 2])
        table, errors = self.run_archive(source, "--workers", 2, "--masks",
                                         "--report", status=1)
        self.assertEqual(table["recordings"], "4")
        self.assertEqual(table["failures"], "3")
        for name, why in (("empty", "is empty"), ("text", "type of stream"),
                          ("cut", "should be 9.0 s long")):
            self.assertRegex(errors, rf"{name}\.m\w\w: .*{why}")
        entries = self.manifest()
        self.assertEqual({name: entry["state"] for name, entry in entries.items()},
                         {"good.mp4": "done", "more.mp4": "done",
                          "seam.mp4": "done", "empty.mp4": "failed", "text.mkv": "failed",
                          "cut.mp4": "damaged"})
        self.assertIn("is empty", entries["empty.mp4"]["error"])
        for name in ("good.mp4", "cut.mp4", "seam.mp4"):
            # The output for damaged data depends on the decoder's threads.
            expected = one_process(
                source / name, SMALL, self.folder / "one",
                decoder="qtdemux ! h264parse ! avdec_h264 max-threads=1")
            self.assertEqual((self.out / f"{name}.jsonl").read_bytes(), expected)
            self.assertEqual(len(read_video(self.out / f"{name}.masks.mkv")),
                             entries[name]["frames"])
        self.assertGreater(entries["good.mp4"]["pieces"], 2)
        self.assertEqual(entries["seam.mp4"]["pieces"], 1)
        self.assertFalse((self.out / ".pieces").exists())
        self.check_report(entries)
        # Only missing and changed results are computed again.
        before = self.times()
        table, errors = self.run_archive(source, "--masks", status=1)
        self.assertIn("should be 9.0 s long", errors)
        self.assertEqual(self.times(), before)
        os.utime(good)
        (self.out / "more.mp4.masks.mkv").unlink()
        table, _ = self.run_archive(source, "--masks", "--workers", 1, status=1)
        self.assertEqual(table["recordings"], "4 (2 done before)")
        self.assertIn("(80 in", table["frames/s"])
        self.assertEqual(
            {path.name for path, time in self.times().items()
             if time == before[path]}, {"cut.mp4.jsonl", "seam.mp4.jsonl"})

    def check_report(self, entries):
        found = []

        class Parser(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                found.append(tag)

        text = (self.out / "report.html").read_text()
        Parser().feed(text)
        self.assertEqual(found.count("svg"), 4)
        self.assertEqual(found.count("h2"), len(entries))
        self.assertGreater(found.count("polygon"), 4)
        self.assertNotIn("http", text)
        shares = json.loads((self.out / "good.mp4.shares.json").read_text())
        for values in zip(*shares["shares"].values()):
            if values[0] is not None:
                self.assertAlmostEqual(sum(values), 1, places=2)

    def test_kills_and_interruption(self):
        """Neither a worker nor archive.py itself loses more than the pieces under
        way."""
        path, expected, _ = long_recording()
        process = self.start(path, "--workers", 2, properties=SLOW)
        wait(lambda: len(self.pieces()) > 2, "pieces")
        workers = self.workers_of(process)
        self.assertEqual(len(workers), 2)
        process.kill()
        process.wait()
        for worker in workers:
            wait(lambda pid=worker: not pathlib.Path(f"/proc/{pid}").exists(),
                 "workers to follow")
        begun = len(self.pieces())
        process = self.start(path, "--workers", 2, properties=SLOW)
        wait(lambda: len(self.pieces()) > begun + 2, "more pieces")
        kept = set(self.pieces())
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        _, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130, errors)
        self.assertNotIn("Traceback", errors)
        self.assertLessEqual(kept, set(self.pieces()))
        done = len(self.pieces())
        process = self.start(path, "--workers", 2, properties=SLOW)
        wait(lambda: len(self.pieces()) > done, "more pieces")
        os.kill(self.workers_of(process)[0], signal.SIGKILL)
        out, errors = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, errors)
        self.assertEqual((self.out / "a.mp4.jsonl").read_bytes(), expected)
        # Pieces under way are counted twice.
        frames = int(out.partition("(")[2].split()[0])
        left = MANY - 10 * done
        print(f"{left} of {MANY} frames were left, {frames} done")
        self.assertLess(frames, left + 10 * 2 + 1)

    @staticmethod
    def workers_of(process):
        """The processes of the children that have opened the network."""
        found = []
        for pid in pathlib.Path(
                f"/proc/{process.pid}/task/{process.pid}/children"
                ).read_text().split() or ():
            found.append(int(pid))
        for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
        return [pid for pid in sorted(set(found)) if "libfastscnn-cpu"
                in pathlib.Path(f"/proc/{pid}/maps").read_text()]

    def test_scheduler_that_does_not_answer(self):
        path = record(self.folder / "a.mp4", 10)
        _, errors = self.run_archive(path, "--scheduler", "tcp://127.0.0.1:1",
                                     status=1)
        self.assertIn("archive.sh: tcp://127.0.0.1:1 cannot be used", errors)


class Network:
    """Hosts with addresses of their own on a virtual Ethernet. They exist as long as
    this process, which must be root in its own namespaces."""

    HERE = "10.77.0.1"

    def __init__(self):
        for command in ("mount -t tmpfs tmpfs /run", "ip link set lo up",
                        "ip link add ethernet type bridge",
                        f"ip address add {self.HERE}/24 dev ethernet",
                        "ip link set ethernet up"):
            subprocess.run(command.split(), check=True)

    def add_host(self, name, number):
        for command in (
                f"ip netns add {name}",
                f"ip link add {name} type veth peer name eth0 netns {name}",
                f"ip link set {name} master ethernet up",
                f"ip -n {name} address add 10.77.0.{number}/24 dev eth0",
                f"ip -n {name} link set eth0 up", f"ip -n {name} link set lo up"):
            subprocess.run(command.split(), check=True)
        return f"10.77.0.{number}"

    def start(self, name, *command):
        return subprocess.Popen(["ip", "netns", "exec", name, *command])

    def connect(self, name, connected):
        subprocess.run(["ip", "link", "set", name,
                        "up" if connected else "down"], check=True)


def run_on_hosts(folder, path):
    """A batch on three hosts. One worker is killed, another is cut off for
    20 s."""
    network = Network()
    scheduler = f"tcp://{network.add_host('scheduler', 10)}:8786"
    daemons = [network.start(
        "scheduler", "dask-scheduler", "--host", scheduler, "--no-dashboard")]
    client = distributed.Client(scheduler, timeout=PATIENCE)
    hosts = {}
    for number in range(3):
        name = f"worker{number}"
        hosts[f"tcp://{network.add_host(name, 11 + number)}"] = name
        daemons.append(network.start(
            name, "dask-worker", scheduler, "--host", f"10.77.0.{11 + number}",
            "--nthreads", "1", "--memory-limit", "0", "--no-dashboard",
            "--local-directory", str(folder / name)))
    client.wait_for_workers(3, timeout=PATIENCE)
    process = subprocess.Popen(
        [str(ARCHIVE), str(path), "--out", str(folder / "out"), "--scheduler",
         scheduler, "--piece", "0.4", "--masks", "--fastscnn", SLOW])
    wait(lambda: len(list(folder.glob("out/.pieces/*/*/*.jsonl"))) > 4
         or process.poll() is not None, "pieces")
    victim, lost, _ = sorted(client.run(os.getpid).items())
    os.kill(victim[1], signal.SIGKILL)
    name = hosts[lost[0].rpartition(":")[0]]
    network.connect(name, False)
    gone = time.monotonic()
    wait(lambda: lost[0] not in client.scheduler_info()["workers"],
         "the scheduler to notice")
    print(f"noticed after {time.monotonic() - gone:.1f} s")
    time.sleep(max(0, gone + 20 - time.monotonic()))
    network.connect(name, True)
    wait(lambda: any(
        worker.startswith(victim[0].rpartition(":")[0]) and worker != victim[0]
        for worker in client.scheduler_info()["workers"]), "the killed worker")
    print(f"{len(client.scheduler_info()['workers'])} workers, batch "
          f"{'done' if process.poll() is not None else 'at work'}")
    status = process.wait(2 * PATIENCE)
    client.close()
    for daemon in daemons:
        daemon.terminate()
    for daemon in daemons:
        daemon.wait()
    return status


@unittest.skipIf(distributed is None, MISSING)
class Hosts(Folder):
    def test_three_hosts(self):
        if shutil.which("ip") is None:
            self.skipTest("no iproute2")
        if subprocess.run([*self.UNSHARE, "sh", "-c", "mount -t tmpfs x /run && "
                           "ip netns add x && ip link add x type bridge"],
                          capture_output=True, check=False).returncode:
            self.skipTest("network namespaces cannot be made here")
        path, expected, masks = long_recording()
        result = subprocess.run(
            [*self.UNSHARE, sys.executable, __file__, HOSTS, self.folder, path],
            env={**os.environ, **self.IMPATIENT}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        print(result.stdout)
        self.assertEqual(result.returncode, 0)
        out = self.folder / "out"
        self.assertEqual((out / "a.mp4.jsonl").read_bytes(), expected)
        self.assertEqual(read_video(out / "a.mp4.masks.mkv"),
                         read_video(masks))

    UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--mount",
               "--pid", "--mount-proc", "--fork", "--kill-child"]
    IMPATIENT = {
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s",
        "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s",
        "DASK_LOGGING__DISTRIBUTED": "critical",
    }

if __name__ == "__main__":
    Gst.init(None)
    if HOSTS in sys.argv:
        sys.exit(run_on_hosts(*map(pathlib.Path, sys.argv[-2:])))
    tap.main()
