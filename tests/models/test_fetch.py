#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""models/fetch.py: what arrives is checked, what is wrong leaves nothing."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import pathlib
import sys
import threading
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "models")]
import tap  # noqa: E402
from script import ScriptTest, make_images  # noqa: E402

try:
    import torch
    import convert
    import fetch
    import foreign
    import modelfile
except ImportError:
    torch = None

PATH = "/weights/checkpoint.pth"


class Server(http.server.ThreadingHTTPServer):
    """Answers every request with `body`; sends only `sent` bytes of it."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.sent, self.silent = b"", None, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """That the other side hangs up belongs to the tests."""

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}{PATH}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != PATH:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[:self.server.sent])
        if self.server.silent.is_set():
            self.connection.recv(1)  # until the other side gives up

    def log_message(self, *_):
        pass


@unittest.skipIf(torch is None, "no PyTorch, NumPy or Pillow")
class FetchTest(ScriptTest):
    @classmethod
    def setUpClass(cls):
        with mock.patch("foreign.CLASSES", 19):
            cls.state, _ = foreign.tramac()
        file = io.BytesIO()
        torch.save(cls.state, file)
        cls.checkpoint = file.getvalue()

    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        self.registry = self.folder / "registry.toml"
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.serve(self.checkpoint)

    def serve(self, body, digest=None, address=None):
        self.server.body = body
        entry = {"about": "weights of a test", "license": "for tests alone",
                 "address": address or self.server.address,
                 "digest": digest or "sha256:" + hashlib.sha256(body).hexdigest()}
        # Strings of JSON are strings of TOML.
        self.registry.write_text("[mine]\ninput = [320, 192]\n" + "".join(
            f"{key} = {json.dumps(value)}\n" for key, value in entry.items()))

    def fetch(self, *arguments):
        """(its output, its one error message or None)."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), \
                mock.patch.dict(os.environ, no_proxy="*"):
            error = self.run_script(fetch, "--registry", self.registry, *arguments)
        return printed.getvalue(), error

    def assert_refused(self, *words, name="mine", options=()):
        kept = self.folder / "mine.safetensors"
        kept.write_bytes(b"an older one")
        _, error = self.fetch(name, *options)
        self.assertIsNotNone(error)
        for word in words:
            self.assertIn(word, error)
        self.assertEqual(sorted(self.folder.iterdir()), [kept, self.registry])
        self.assertEqual(kept.read_bytes(), b"an older one")
        return error

    def test_fetched_is_what_convert_makes(self):
        printed, error = self.fetch("mine")
        self.assertIsNone(error)
        self.assertIn("for tests alone", printed)
        self.assertTrue(printed.endswith("mine.safetensors\n"), printed)
        tensors, metadata = modelfile.read_safetensors("mine.safetensors")
        self.assertEqual(metadata["license"], "for tests alone")
        self.assertIn(self.server.address, metadata["source"])
        self.assertIn(hashlib.sha256(self.checkpoint).hexdigest(), metadata["source"])
        self.assertEqual((metadata["input_width"], metadata["input_height"]),
                         ("320", "192"))
        modelfile.save("again.safetensors", convert.rename(self.state),
                       modelfile.ModelInfo.parse(metadata))
        again, _ = modelfile.read_safetensors("again.safetensors")
        self.assertEqual(tensors.keys(), again.keys())
        for name in tensors:
            self.assertTrue((tensors[name] == again[name]).all(), name)

    def test_calibrated(self):
        images = make_images(self.folder / "images")
        _, error = self.fetch("mine", "--calibrate", images)
        self.assertIsNone(error)
        _, info = modelfile.load("mine.safetensors")
        self.assertIn("lds.conv", info.activation_scales)

    def test_no_images_to_calibrate_with(self):
        """It says so before it downloads."""
        self.server.shutdown()
        self.server.server_close()
        self.assert_refused("nowhere: no such folder",
                            options=("--calibrate", self.folder / "nowhere"))

    def test_output_has_another_name(self):
        _, error = self.fetch("mine", "elsewhere.safetensors")
        self.assertIsNone(error)
        modelfile.load("elsewhere.safetensors")

    def test_first_digits_of_a_digest(self):
        digest = hashlib.sha256(self.checkpoint).hexdigest()
        self.serve(self.checkpoint, "sha256:" + digest[:8])
        printed, error = self.fetch("mine")
        self.assertIsNone(error)
        self.assertIn("Only 8 of the 64 digits", printed)
        wrong = "0" if digest[7] != "0" else "1"
        self.serve(self.checkpoint, "sha256:" + digest[:7] + wrong)
        self.assert_refused(digest)

    def test_digest_of_git(self):
        # printf 'hello\n' | git hash-object --stdin
        self.assertEqual(fetch.digests(b"hello\n")["git"],
                         "ce013625030ba8dba906f756967f9e9ca394464a")
        self.serve(self.checkpoint, "git:" + fetch.digests(self.checkpoint)["git"])
        _, error = self.fetch("mine")
        self.assertIsNone(error)

    def test_wrong_digest_leaves_nothing(self):
        for digest in ("sha256:" + "0" * 64, "git:" + "0" * 40):
            with self.subTest(digest):
                self.serve(self.checkpoint, digest)
                error = self.assert_refused("digest", "nothing was kept")
                self.assertEqual(len(error.splitlines()), 1)

    def test_connection_breaks(self):
        self.server.sent = len(self.checkpoint) // 2
        self.assert_refused(f"ended after {self.server.sent} of "
                            f"{len(self.checkpoint)} bytes")

    def test_server_falls_silent(self):
        self.server.sent = 1000
        self.server.silent.set()
        with mock.patch("fetch.TIMEOUT", 0.3):
            self.assert_refused("timed out")

    def test_no_such_file(self):
        self.serve(self.checkpoint, address=self.server.address + ".gone")
        self.assert_refused("404", ".gone")

    def test_nobody_answers(self):
        self.server.shutdown()
        self.server.server_close()
        self.assert_refused("refused", self.server.address)

    def test_far_too_large(self):
        with mock.patch("fetch.LARGEST", 1 << 20):
            self.assert_refused("more than 1 MiB")

    def test_no_checkpoint(self):
        self.serve(b"<html>Log in first</html>")
        self.assert_refused(self.server.address, "not a PyTorch checkpoint")

    def test_other_classes(self):
        with mock.patch("foreign.CLASSES", 7):
            state, _ = foreign.tramac()
        file = io.BytesIO()
        torch.save(state, file)
        self.serve(file.getvalue())
        self.assert_refused("7 classes", "19 labels")

    def test_unknown_name_lists_the_known(self):
        self.assert_refused("theirs is not known", "mine: weights of a test",
                            name="theirs")

    def test_without_a_name_lists_them(self):
        printed, error = self.fetch()
        self.assertIsNone(error)
        self.assertIn("mine: weights of a test", printed)

    def test_wrong_registry(self):
        self.serve(self.checkpoint, "md5:0")
        self.assert_refused("mine", "md5:0")
        self.registry.write_text("[mine]\ninput = [64, 64]\n")
        self.assert_refused("mine has no about, address, digest, license")
        self.registry.write_text("mine = [")
        self.assert_refused("registry.toml")

    def test_registry_that_ships(self):
        for name, entry in fetch.read_registry(fetch.REGISTRY).items():
            self.assertTrue(entry["address"].startswith("https://"), name)
            self.assertIn("Cityscapes", entry["license"])


if __name__ == "__main__":
    tap.main()
