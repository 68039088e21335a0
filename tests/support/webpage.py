# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers for tests of pipelines/web.sh: a page in a process of its own, and
WebSockets to it."""

import base64
import http.client
import json
import re
import signal
import socket
import struct
import subprocess
import threading
import unittest

from streams import ROOT, wait


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
        """Returns (status, headers, text)."""
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
    """A minimal WebSocket client."""

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
        """Returns the next message, or the code with which the server closed."""
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
                return "reset"  # the server closed with unread data
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
