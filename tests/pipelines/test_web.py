#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/web.sh: the page in a real browser, and who is let in."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from streams import (CLIP, ROOT, FaultyCamera, descriptors,  # noqa: E402
                     threads)
import tap  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    webdriver = None
PATIENCE = 40  # seconds; for machines that are busy with other things


def wait(condition, what, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds} s for {what}")


class Page:
    """web.py in a process of its own."""

    def __init__(self, *arguments, listen="127.0.0.1:0"):
        self.process = subprocess.Popen(
            [str(ROOT / "pipelines/web/web.py"), "--listen", listen,
             "--size", "320x180", *map(str, arguments)],
            stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        line = wait(lambda: next((line for line in self.lines
                                  if line.startswith("open ")), None)
                    or self.process.poll() is not None, "the server")
        if line is True:
            raise AssertionError("\n".join(self.lines))
        self.url, _, self.token = line.split()[1].partition("#")
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def request(self, path, method="GET", **headers):
        """(status, headers, text)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=10)
        connection.request(method, path, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def log_in(self, token):
        return self.request("/login", "POST", Origin=self.url.rstrip("/"),
                            Host=self.url.split("/")[2],
                            Authorization=f"Bearer {token}")

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.reader.join(5)
        self.process.stderr.close()
        if status:
            raise AssertionError(f"exit status {status}\n{self.log()}")


class Socket:
    """As much of a WebSocket as a test needs."""

    def __init__(self, page, **headers):
        self.socket = socket.create_connection(("127.0.0.1", page.port), 20)
        host = f"127.0.0.1:{page.port}"
        lines = {"Host": host, "Origin": f"http://{host}",
                 "Connection": "Upgrade", "Upgrade": "websocket",
                 "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
                 **headers}
        text = "".join(f"{name}: {value}\r\n"
                       for name, value in lines.items() if value is not None)
        self.socket.sendall(f"GET /live HTTP/1.1\r\n{text}\r\n".encode())
        self.stream = self.socket.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        while self.stream.readline().strip():
            pass

    def send(self, data, opcode=1):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        length = (struct.pack("!BB", 0x80 | opcode, 0x80 | len(data))
                  if len(data) < 126 else
                  struct.pack("!BBH", 0x80 | opcode, 0xfe, len(data)))
        self.socket.sendall(length + bytes(4) + data)

    def receive(self):
        """The next message, or the code with which the server closed."""
        while True:
            opcode, length = self.stream.read(2)
            if length == 126:
                length, = struct.unpack("!H", self.stream.read(2))
            elif length == 127:
                length, = struct.unpack("!Q", self.stream.read(8))
            data = self.stream.read(length)
            if opcode & 15 == 8:
                return struct.unpack("!H", data[:2])[0] if data else 1005
            if opcode & 15 == 1:
                return json.loads(data)

    def next(self, kind):
        while True:
            message = self.receive()
            if isinstance(message, int):
                return message
            if message["type"] == "status":
                self.send({"type": "seen"})
            if message["type"] == kind:
                return message

    def close_code(self):
        while True:
            try:
                message = self.receive()
            except ConnectionResetError:
                return "reset"  # before all that was sent has been read
            if isinstance(message, int):
                return message

    def close(self):
        self.stream.close()
        self.socket.close()


class TestCase(unittest.TestCase):
    @classmethod
    def page(cls, *arguments, **options):
        page = Page(*arguments, **options)
        cls.addClassCleanup(page.close)
        return page

    def socket(self, page, **headers):
        opened = Socket(page, **headers)
        self.addCleanup(opened.close)
        return opened


@unittest.skipIf(webdriver is None or CHROMIUM is None or DRIVER is None,
                 "no chromium, chromium-driver or python3-selenium")
class Browser(TestCase):
    """Two cameras: one that asks for a password, and the clip."""

    @classmethod
    def setUpClass(cls):
        cls.faulty = FaultyCamera("--clip", str(CLIP))
        cls.addClassCleanup(cls.faulty.close)
        cls.web = cls.page(
            f"gate={cls.faulty.url('locked', 'user:secret@')}",
            f"street={CLIP}")
        cls.driver = cls.browser()

    @classmethod
    def browser(cls):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("headless=new", "no-sandbox", "disable-gpu",
                         "disable-dev-shm-usage", "window-size=1000,900"):
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        cls.addClassCleanup(lambda: contextlib.suppress(Exception).__enter__()
                            or driver.quit())
        driver.set_script_timeout(20)
        return driver

    def setUp(self):
        self.addCleanup(self.check_console)

    def check_console(self):
        errors = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(errors, [])

    def open(self, path="", driver=None):
        driver = driver or self.driver
        driver.get("about:blank")
        driver.get(self.web.url + path)

    def find(self, selector, driver=None):
        return (driver or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector, driver=None):
        return "|".join(element.text
                        for element in self.find(selector, driver))

    def time_of(self, selector, driver=None):
        return (driver or self.driver).execute_script(
            "return document.querySelector(arguments[0])?.currentTime ?? 0",
            selector)

    def wait_for_video(self, selector="#large-video", driver=None):
        wait(lambda: self.time_of(selector, driver) > 0, "video")
        before = self.time_of(selector, driver)
        wait(lambda: self.time_of(selector, driver) > before + 0.3,
             "the video to go on")

    def pixels(self, selector="#large-video"):
        """(r, g, b) of the video as it is shown, at 32x18 places."""
        data = self.driver.execute_script("""
            const canvas = document.createElement('canvas');
            canvas.width = 32; canvas.height = 18;
            const context = canvas.getContext('2d');
            context.drawImage(document.querySelector(arguments[0]),
                              0, 0, 32, 18);
            return [...context.getImageData(0, 0, 32, 18).data];""", selector)
        return list(zip(data[::4], data[1::4], data[2::4]))

    def share_of(self, color):
        """Of the picture, like this color."""
        shown = self.pixels()
        return sum(all(abs(a - b) < 40 for a, b in zip(pixel, color))
                   for pixel in shown) / len(shown)

    def live(self, driver=None):
        return len(self.find(".tile[data-state=live]", driver))

    def test_grid(self):
        self.open()
        wait(lambda: self.live() == 2, "both cameras")
        for number in (1, 2):
            video = f".tile:nth-child({number}) video"
            self.wait_for_video(video)
            shown = self.pixels(video)
            self.assertGreater(max(map(sum, shown)), 200)  # not black
            self.assertGreater(len(set(shown)), 50)  # a picture
        self.assertEqual(self.text(".tile strong"), "gate|street")
        self.assertIn("2 of 2 live", self.text("#summary"))

    def test_one_large(self):
        self.open()
        wait(lambda: self.live() == 2, "both cameras")
        self.find(".tile")[1].click()
        self.wait_for_video()
        self.assertEqual(self.text("#large-name"), "street")
        wait(lambda: "%" in self.text("#classes output"), "shares")
        self.assertRegex(self.text("#facts"), r"\d\.\d\nframes a second")
        keys = self.driver.switch_to.active_element
        keys.send_keys("1")
        wait(lambda: self.text("#large-name") == "gate", "the other camera")
        self.driver.find_element(By.TAG_NAME, "body").send_keys("\ue00c")
        wait(lambda: self.find("#grid:not([hidden])"), "the grid")

    def test_controls_act_at_once(self):
        self.open("#/2")
        self.wait_for_video()
        self.find("#modes input[value=mask]")[0].click()
        road = (0x80, 0x40, 0x80)
        wait(lambda: self.share_of(road) > 0.15, "the colour of the road")
        box = wait(lambda: self.find("#classes input[data-label=road]"),
                   "classes")[0]
        before = self.time_of("#large-video")
        box.click()
        wait(lambda: self.share_of(road) < 0.02, "the road to go")
        self.assertGreater(self.time_of("#large-video"), before)
        # Whoever looks next finds it as it is.
        other = self.socket(self.web)
        settings = other.next("status")["cameras"][1]["settings"]
        self.assertEqual(settings["mode"], "mask")
        self.assertEqual(len(settings["hidden"]), 1)
        box.click()
        wait(lambda: self.share_of(road) > 0.15, "the road to come back")

    def test_camera_goes_and_comes_back(self):
        self.open("#/1")
        self.wait_for_video()
        other = self.socket(self.web)
        self.faulty.command("drop 4")
        seen = ""
        while "reconnecting" not in seen:
            seen += json.dumps(other.next("status"))
        wait(lambda: "reconnecting" in self.text("#large-state")
             and "reconnecting" in self.text("#large-veil"), "the state")
        wait(lambda: self.text("#large-state") == "live", "the camera")
        self.wait_for_video()
        self.assertRegex(self.text("#facts"), r"[1-9]\d*\nrestarts")
        for text in (seen, self.web.log(), self.driver.page_source):
            for secret in ("secret", "locked", str(self.faulty.port)):
                self.assertNotIn(secret, text)

    def test_two_viewers_one_frozen_one_killed(self):
        self.open("#/2")
        self.wait_for_video()
        other = self.browser()
        self.open("#/2", other)
        self.wait_for_video(driver=other)
        wait(lambda: "2 viewers" in self.text("#summary"), "two viewers")
        processes = self.processes_of(other)
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        self.wait_for_video()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait(lambda: "1 viewer" in self.text("#summary"), "one to be left")
        self.wait_for_video()

    @staticmethod
    def processes_of(driver):
        """The browser's: all that the driver's process has started."""
        children = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text()
                             .rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
        found = list(children.get(driver.service.process.pid, []))
        for process in found:
            found += children.get(process, [])
        return found

    def test_token(self):
        guarded = Page(CLIP, listen="0.0.0.0:0")
        self.addCleanup(guarded.close)
        self.driver.get(f"{guarded.url}#not-the-token")
        dialog = wait(lambda: self.find("#login[open]"), "the question")[0]
        self.assertTrue(dialog.is_displayed())
        self.find("#token")[0].send_keys(guarded.token)
        self.find("#login-form button")[0].click()
        self.wait_for_video()
        self.assertNotIn("token", self.driver.current_url)
        self.assertEqual(self.driver.execute_script(
            "return document.cookie"), "")  # HttpOnly
        # The browser says that it was refused, as it was.
        refused = [entry["message"]
                   for entry in self.driver.get_log("browser")
                   if entry["level"] == "SEVERE"]
        self.assertTrue(refused and all("401" in line for line in refused),
                        refused)


class Doors(TestCase):
    """What is let in, without a browser."""

    def enter(self):
        """A socket that is let in: the server may not know yet that others
        are gone."""
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
        """That DNS was made to point here."""
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
        """What no page sends ends the connection, and nothing else."""
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
        """Of whatever GStreamer says about a camera."""
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
        """On a port of their own, where there is no page."""
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
