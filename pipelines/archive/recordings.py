# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finds the recordings that the command line names."""

import dataclasses
import glob
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from failures import Failure

SUFFIXES = {".3gp", ".avi", ".flv", ".h264", ".h265", ".m2ts", ".m4v", ".mkv",
            ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
            ".webm", ".wmv"}
TIMEOUT = 30  # seconds, for the answer of a web server


@dataclasses.dataclass
class Recording:
    name: str  # of its results, below the output folder
    uri: str
    where: str  # for people, without a password

    def identity(self):
        """{size, time}, which change with the recording."""
        if not self.uri.startswith("file:"):
            return _ask_server(self.uri)
        path = pathlib.Path(self.where)
        try:
            stat = path.stat()
        except OSError as error:
            raise Failure(error.strerror.lower()) from error
        if stat.st_size == 0:
            raise Failure("the file is empty")
        return {"size": stat.st_size, "time": stat.st_mtime_ns}


def _ask_server(uri):
    parts = urllib.parse.urlsplit(uri)
    request = urllib.request.Request(
        parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
        method="HEAD")
    if parts.username is not None:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, request.full_url,
                               urllib.parse.unquote(parts.username),
                               urllib.parse.unquote(parts.password or ""))
        opener = urllib.request.build_opener(
            urllib.request.HTTPBasicAuthHandler(passwords))
    else:
        opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        raise Failure(f"the server answers {error.code} {error.reason}"
                      ) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise Failure(f"the server does not answer: {reason}") from error
    return {"size": int(headers.get("Content-Length") or 0),
            "time": headers.get("ETag") or headers.get("Last-Modified") or ""}


def find(arguments, out):
    """The recordings in INPUT..., each once. out: a folder to leave out."""
    recordings = {}
    for argument in arguments:
        for recording in _expand(argument, out.resolve()):
            other = recordings.setdefault(recording.name, recording)
            if other.uri != recording.uri:
                raise Failure(
                    f"the results of {other.where} and {recording.where} would "
                    "have the same name; name a folder that contains both")
    if not recordings:
        raise Failure("there are no recordings in " + ", ".join(arguments))
    return list(recordings.values())


def _expand(argument, out):
    if argument.startswith("@"):
        try:
            text = pathlib.Path(argument[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"{argument[1:]} cannot be read: {error}") from error
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                yield from _expand(line.strip(), out)
        return
    if "://" in argument:
        yield _on_server(argument)
        return
    path = pathlib.Path(argument)
    if path.is_dir():
        yield from (_local(file, path) for file in sorted(path.rglob("*"))
                    if file.suffix.lower() in SUFFIXES and file.is_file()
                    and not file.resolve().is_relative_to(out))
    elif path.exists():
        yield _local(path, path.parent)
    else:
        names = sorted(glob.glob(argument, recursive=True))
        if not names:
            raise Failure(f"there is no {argument}")
        for name in names:
            yield from _expand(name, out)


def _local(path, folder):
    return Recording(str(path.relative_to(folder)), path.resolve().as_uri(),
                     str(path.resolve()))


def _on_server(uri):
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        raise Failure(f"{parts.scheme}:// is not supported; INPUT is a file, a "
                      "folder or an http address")
    host = parts.netloc.rpartition("@")[2]
    name = pathlib.PurePath(urllib.parse.unquote(parts.path)).name or host
    return Recording(name, uri, parts._replace(netloc=host).geturl())
