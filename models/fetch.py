#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Downloads a published checkpoint, checks it and converts it to a model file.

published.toml lists the checkpoints. Without a name, they are printed.
"""

import argparse
import hashlib
import http.client
import io
import re
import sys
import textwrap
import tomllib
import urllib.request
from pathlib import Path

import convert
import modelfile
import scales
from cityscapes import ALIASES, COLORS, LABELS
from imagefiles import DataError

REGISTRY = Path(__file__).resolve().with_name("published.toml")
CHUNK = 1 << 16
LARGEST = 256 << 20  # bytes; a checkpoint of Fast-SCNN has 5 to 20 million
TIMEOUT = 30  # seconds without a byte
FIELDS = {"about", "address", "digest", "license", "input"}
DIGEST = re.compile("sha256:[0-9a-f]{8,64}|git:[0-9a-f]{40}")


class FetchError(Exception):
    """Why a checkpoint could not be fetched."""


def read_registry(path):
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FetchError(f"{path}: {error}") from error
    for name, entry in known.items():
        missing = FIELDS - set(entry)
        if missing:
            raise FetchError(f"{path}: {name} has no {', '.join(sorted(missing))}")
        if not DIGEST.fullmatch(entry["digest"]):
            raise FetchError(f"{path}: {name}: digest {entry['digest']} is neither "
                             "sha256: with 8 to 64 hexadecimal digits nor git: with 40")
    return known


def download(address):
    """The bytes at an address; an error if they do not arrive completely."""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
            data = receive(response)
            expected = int(response.headers.get("Content-Length", 0))
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"{address}: {error}") from error
    if len(data) > LARGEST:
        raise FetchError(f"{address}: more than {LARGEST >> 20} MiB")
    if len(data) < expected:
        raise FetchError(f"{address}: ended after {len(data)} of {expected} bytes; "
                         "try again")
    return data


def receive(response):
    data = bytearray()
    while len(data) <= LARGEST and (chunk := response.read(CHUNK)):
        data += chunk
        if sys.stderr.isatty():
            print(f"\r{len(data) / 1e6:.1f} MB ", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return bytes(data)


def digests(data):
    """By kind. Git's covers the length as well."""
    return {"sha256": hashlib.sha256(data).hexdigest(),
            "git": hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest()}


def check(data, entry):
    kind, _, digits = entry["digest"].partition(":")
    found = digests(data)[kind]
    if not found.startswith(digits):
        raise FetchError(f"{entry['address']}: its {kind} digest is {found}, but "
                         f"{digits} was expected; nothing was kept")
    if len(digits) < len(found):
        print(f"Only {len(digits)} of the {len(found)} digits of its {kind} digest are "
              "published: they tell a damaged file, not a forged one.")


def fetch(name, entry, output, images):
    """Writes the model file. If that fails, the file at `output` stays as it
    was."""
    print(f"{name}: {entry['about']}\nfrom {entry['address']}\n"
          f"Licence: {entry['license']}", flush=True)
    data = download(entry["address"])
    check(data, entry)
    source = f"{entry['address']} (SHA-256 {digests(data)['sha256']})"
    info = modelfile.ModelInfo(f"fastscnn-{name}", LABELS, COLORS, *entry["input"],
                               license=entry["license"], source=source,
                               aliases=ALIASES)
    state = convert.read_checkpoint(io.BytesIO(data), entry["address"])
    convert.write(output, state, info, images)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("name", nargs="?", help="checkpoint to fetch")
    add("output", nargs="?", help="model file to write; default: NAME.safetensors")
    add("--registry", type=Path, default=REGISTRY, metavar="TOML",
        help="another list of checkpoints")
    scales.add_option(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    try:
        known = read_registry(args.registry)
        names = "\n".join(textwrap.indent(f"{name}: {entry['about']}", "  ")
                          for name, entry in known.items())
        if args.name is None:
            print(names)
            return
        if args.name not in known:
            raise FetchError(f"{args.name} is not known; known are\n{names}")
        output = args.output or f"{args.name}.safetensors"
        images = scales.read_images(args.calibrate)
        fetch(args.name, known[args.name], output, images)
    except (FetchError, convert.ConvertError, DataError, modelfile.ModelFileError,
            OSError, ValueError) as error:
        sys.exit(f"fetch.py: {error}")
    print(output)


if __name__ == "__main__":
    main()
