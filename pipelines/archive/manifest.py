# SPDX-License-Identifier: LGPL-2.1-or-later
"""The list of the contents of an output folder, and its unfinished pieces."""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil

from failures import Failure

FORMAT = 1
READABLE = ("done", "damaged")  # states of recordings with results


def write_whole(path, text):
    """Writes a file that appears only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, path)


class Manifest:
    """DIR/manifest.json: for each recording by name: where, size, time, options,
    state ("done", "damaged" or "failed"), error, frames, seconds (of video), pieces,
    devices, outputs ({kind: file below DIR})."""

    def __init__(self, folder):
        self.folder = folder
        self.recordings = {}
        self._path = folder / "manifest.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except OSError as error:
            raise Failure(f"{error.filename}: {error.strerror}") from error
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ValueError
            self.recordings = dict(content["recordings"])
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(f"{self._path} is not a manifest of this version; "
                          "move it away or choose another folder") from error

    @contextlib.contextmanager
    def locked(self):
        """Locks the folder; raises Failure if another process writes to it."""
        with open(self.folder / ".lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Failure(f"another archive.sh writes to {self.folder}"
                              ) from error
            yield

    def save(self):
        write_whole(self._path, json.dumps(
            {"format": FORMAT, "recordings": self.recordings}, indent=1))

    def is_done(self, name, identity, options):
        """Whether the results exist, from the same recording and options."""
        entry = self.recordings.get(name, {})
        return (entry.get("state") in READABLE
                and {**entry, **identity, "options": options} == entry
                and all((self.folder / file).is_file()
                        for file in entry["outputs"].values()))

    def outputs(self, name, masks):
        """{kind: file below the folder}"""
        files = {"lines": f"{name}.jsonl", "shares": f"{name}.shares.json"}
        if masks:
            files["masks"] = f"{name}.masks.mkv"
        return files

    def pieces(self, name, *what):
        """The folder for the pieces of a recording, which is kept until
        drop_pieces(). Deletes pieces of another recording or with other options.
        """
        above = self._pieces_of(name)
        folder = above / _hash(*what)
        if above.is_dir():
            for other in above.iterdir():
                if other != folder:
                    shutil.rmtree(other, ignore_errors=True)
        return folder

    def drop_pieces(self, name):
        shutil.rmtree(self._pieces_of(name), ignore_errors=True)
        with contextlib.suppress(OSError):
            (self.folder / ".pieces").rmdir()

    def _pieces_of(self, name):
        return pathlib.Path(self.folder, ".pieces", _hash(name))


def _hash(*what):
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()
                          ).hexdigest()[:24]
