#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/web.sh without a browser: access control, and what is served."""

import contextlib
import http.client
import json
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import CLIP, ROOT, FaultyCamera, descriptors, threads, wait  # noqa: E402
import tap  # noqa: E402
from webpage import Page, TestCase  # noqa: E402


class Doors(TestCase):
    """Access control, without a browser."""

    def enter(self):
        """Returns an admitted socket. Tries again, because the server may not know yet
        that others are closed."""
        def attempt():
            opened = self.socket(self.open)
            first = opened.receive()
            return opened if first != 4000 else opened.close()
        return wait(attempt, "room for a viewer")

    @classmethod
    def setUpClass(cls):
        cls.open = cls.page(CLIP, "--viewers", 2)
        cls.guarded = cls.page(CLIP, listen="0.0.0.0:0")

    def test_page_is_closed_to_others(self):
        status, headers, text = self.open.request("/")
        self.assertEqual(status, 200)
        self.assertNotRegex(text, r"https?://")  # no other host
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        for path in re.findall(r'(?:src|href)="([\w.]+)"', text):
            self.assertEqual(self.open.request(f"/{path}")[0], 200, path)
        for path in ("/../web.py", "/%2e%2e/web.py", "/none"):
            self.assertEqual(self.open.request(path)[0], 404, path)
        self.assertEqual(self.open.request("/", "DELETE")[0], 405)

    def test_loopback_by_default(self):
        self.assertEqual(self.open.token, "")
        opened = self.enter()
        opened.send({"type": "watch", "camera": 0})
        self.assertIn(" 127.0.0.1 ", opened.next("candidate")["candidate"])
        if shutil.which("ss") is None:
            self.skipTest("no ss")
        lines = [line for line in subprocess.run(
            ["ss", "-Hlntup"], capture_output=True, text=True,
            check=True).stdout.splitlines()
            if f"pid={self.open.process.pid}," in line]
        self.assertGreater(len(lines), 1)  # the page and the video
        for line in lines:
            self.assertIn("127.0.0.1:", line)

    def test_foreign_origin(self):
        for origin in ("http://example.org", "null", None,
                       f"http://127.0.0.1:{self.open.port + 1}"):
            opened = self.socket(self.open, Origin=origin)
            self.assertEqual(opened.status, 403, origin)
        self.assertEqual(self.guarded.request(
            "/login", "POST", Origin="http://example.org",
            Authorization=f"Bearer {self.guarded.token}")[0], 403)

    def test_foreign_name(self):
        """A name that DNS was made to resolve to this machine."""
        self.assertEqual(self.open.request("/", Host="example.org")[0], 421)
        opened = self.socket(self.open, Host="example.org",
                             Origin="http://example.org")
        self.assertEqual(opened.status, 421)

    def test_token(self):
        self.assertGreater(len(self.guarded.token), 30)
        self.assertEqual(self.guarded.log().count(self.guarded.token), 1)
        self.assertEqual(self.guarded.request("/")[0], 200)
        self.assertEqual(self.guarded.request("/healthz")[0], 200)
        for path in ("/metrics", "/session"):
            self.assertEqual(self.guarded.request(path)[0], 401, path)
        self.assertEqual(self.socket(self.guarded).status, 401)
        name = f"fastscnn-{self.guarded.port}"
        for cookie in (f"{name}=wrong", f"{name}=", "other=1", '"\\'):
            self.assertEqual(
                self.socket(self.guarded, Cookie=cookie).status, 401)
        self.assertEqual(self.guarded.log_in("wrong")[0], 401)
        status, headers, _ = self.guarded.log_in(self.guarded.token)
        self.assertEqual(status, 204)
        cookie = headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        opened = self.socket(self.guarded, Cookie=cookie.split(";")[0])
        self.assertEqual(opened.status, 101)
        self.assertEqual(opened.receive()["type"], "hello")
        self.assertEqual(self.guarded.request(
            "/metrics", Authorization=f"Bearer {self.guarded.token}")[0], 200)

    def test_messages(self):
        """An invalid message ends the connection and has no other effect."""
        for data, code in (
                (b"x" * 20000, 1009), (b"[" * 15000, 1008), (b"1", 1008),
                (b'{"type": "watch"}', 1008),
                ({"type": "watch", "camera": 1}, 1008),
                ({"type": "watch", "camera": True}, 1008),
                ({"type": "none", "camera": 0}, 1008),
                ({"type": "set", "camera": 0, "mode": "x"}, 1008),
                ({"type": "set", "camera": 0, "mode": ["blend"]}, 1008),
                ({"type": "set", "camera": 0, "alpha": 2}, 1008),
                ({"type": "set", "camera": 0, "alpha": float("nan")}, 1008),
                ({"type": "set", "camera": 0, "hidden": [99]}, 1008)):
            with self.subTest(data=str(data)[:60]):
                opened = self.enter()
                opened.send(data)
                self.assertIn(opened.close_code(),
                              (code, "reset") if code == 1009 else (code,))
                opened.close()
        opened = self.enter()
        with contextlib.suppress(OSError):
            for _ in range(500):
                opened.send({"type": "history", "camera": 0})
        self.assertEqual(opened.close_code(), 1008)
        self.assertEqual(self.open.request("/healthz")[0], 200)

    def test_broken_answer(self):
        opened = self.enter()
        opened.send({"type": "watch", "camera": 0})
        self.assertIn("m=video", opened.next("offer")["sdp"])
        opened.send({"type": "answer", "camera": 0, "sdp": "v=0\r\n"})
        self.assertEqual(opened.close_code(), 1008)

    def test_viewers_leave_nothing(self):
        process = self.open.process.pid

        def look():
            opened = self.enter()
            opened.send({"type": "watch", "camera": 0})
            self.assertEqual(opened.next("offer")["camera"], 0)
            opened.close()

        look()
        before = threads(process), descriptors(process)
        for _ in range(10):
            look()
        wait(lambda: threads(process) <= before[0]
             and descriptors(process) <= before[1],
             f"threads and descriptors to be {before} again")

    def test_too_many_viewers(self):
        for _ in range(2):
            self.enter()
        self.assertEqual(self.socket(self.open).receive(), 4000)

    def test_metrics(self):
        def metrics():
            text = self.open.request("/metrics")[2]
            return {name: float(value) for name, value in re.findall(
                r'^fastscnn_(\w+(?:\{.*\})?) ([\d.e+-]+)$', text, re.M)}

        camera = 'camera="street"'
        found = wait(lambda: (values := metrics()).get(
            f"inferences_total{{{camera}}}", 0) > 3 and values, "inferences")
        if not found:
            self.skipTest("no python3-prometheus-client")
        self.assertGreater(found[f"frames_total{{{camera}}}"], 3)
        self.assertGreater(found[f"inference_seconds_sum{{{camera}}}"], 0)
        self.assertEqual(found[f"restarts_total{{{camera}}}"], 0)
        self.assertEqual(found[f'camera_state{{{camera},state="live"}}'], 1)
        self.assertIn(f"mask_age_seconds{{{camera}}}", found)
        shares = [value for name, value in found.items()
                  if name.startswith("class_share")]
        self.assertAlmostEqual(sum(shares), 1, places=2)
        self.assertEqual(json.loads(self.open.request("/healthz")[2]),
                         {"status": "ok", "cameras": 1, "live": 1})

    def test_tls(self):
        if shutil.which("openssl") is None:
            self.skipTest("no openssl")
        with tempfile.TemporaryDirectory() as folder:
            cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-keyout", key, "-out", cert, "-days", "1", "-subj",
                 "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                check=True, capture_output=True)
            page = Page(CLIP, "--cert", cert, "--key", key,
                        listen="0.0.0.0:0")
            self.addCleanup(page.close)
            self.assertTrue(page.url.startswith("https:"))
            connection = http.client.HTTPSConnection(
                "127.0.0.1", page.port, timeout=10,
                context=ssl.create_default_context(cafile=cert))
            host = f"127.0.0.1:{page.port}"
            connection.request("POST", "/login", headers={
                "Origin": f"https://{host}",
                "Authorization": f"Bearer {page.token}"})
            self.assertIn("; Secure", connection.getresponse()
                          .headers["Set-Cookie"])
            connection.close()


class Program(TestCase):
    def run_program(self, *arguments):
        return subprocess.run(
            [str(ROOT / "pipelines/web/web.py"), *map(str, arguments)],
            capture_output=True, text=True, timeout=60, check=False)

    def test_bad_arguments_are_one_sentence(self):
        for arguments in (["none.mp4"], ["--listen", "host:8080"],
                          ["--listen", "127.0.0.1:99999"],
                          ["--token-file", CLIP.with_name("none")],
                          ["--cert", __file__]):
            with self.subTest(arguments=arguments):
                result = self.run_program(*arguments)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr, r"^web\.sh: [^\n]+\n$")

    def test_addresses_are_taken_out(self):
        """Addresses are removed from all messages of GStreamer about a camera."""
        sys.path.insert(0, str(ROOT / "pipelines/web"))
        from cameras import Scrubber
        scrub = Scrubber("rtsp://admin:p%40ss@cam.example.org:554/live/1?a=bc")
        for text in ("no rtsp://admin:p%40ss@cam.example.org:554/live/1?a=bc",
                     "no host cam.example.org", "admin: wrong", "p@ss is bad",
                     "no /live/1 there", "no p%40ss"):
            said = scrub(text)
            self.assertIn("…", said)
            self.assertNotRegex(said, "admin|ss|example|live|554")
        self.assertEqual(scrub("no frames"), "no frames")

    def test_port_is_taken(self):
        page = Page(CLIP)
        self.addCleanup(page.close)
        result = self.run_program("--listen", page.port)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"port {page.port}", result.stderr)

    def test_metrics_without_a_token(self):
        """On a separate port, which does not serve the page."""
        page = self.page(CLIP, "--metrics", "0.0.0.0:0", listen="0.0.0.0:0")
        port = int(re.search(r":(\d+)/metrics",
                             wait(lambda: next(
                                 (line for line in page.lines
                                  if line.startswith("serving")), None),
                                  "the second server"))[1])
        for path, statuses in (("/healthz", (200,)), ("/metrics", (200, 501)),
                               ("/", (401, 404))):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", path)
            self.assertIn(connection.getresponse().status, statuses, path)
            connection.close()

    def test_events_serve_metrics(self):
        camera = FaultyCamera("--clip", str(CLIP))
        self.addCleanup(camera.close)
        process = subprocess.Popen(
            [str(ROOT / "pipelines/rtsp.py"), "events", camera.url(),
             "--rate", "5", "--listen", "0", "--name", "gate"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        port = int(re.search(r":(\d+)/metrics",
                             process.stderr.readline())[1])

        def get(path):
            connection = http.client.HTTPConnection("127.0.0.1", port,
                                                    timeout=10)
            connection.request("GET", path)
            text = connection.getresponse().read().decode()
            connection.close()
            return text

        wait(lambda: re.search(
            r'fastscnn_inferences_total\{camera="gate"\} [1-9]',
            get("/metrics")), "inferences")
        self.assertIn('"live": 1', get("/healthz"))


if __name__ == "__main__":
    tap.main()
