# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tasks that archive.py gives to its workers."""

import os
import pathlib

from distributed import get_worker

import segmenting
from failures import Failure


def check(marker, model, model_hash):
    """Returns why this worker cannot take part, or None."""
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
    Gst.init(None)
    host = os.uname().nodename
    if not pathlib.Path(marker).is_file():
        return (f"{host} has no folder {os.path.dirname(marker)}; share it under "
                "the same path")
    try:
        segmenting.check_installation(model, model_hash)
    except Failure as failure:
        return f"{host}: {failure}"
    return None


def open_network(options):
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
    Gst.init(None)
    segmenting.get_segmenter(segmenting.Options(**options))


def segment(topic, *arguments):
    """Calls segment_piece() and reports its progress to archive.py."""
    worker = get_worker()
    return segmenting.segment_piece(
        *arguments,
        lambda frames: worker.log_event(topic, {"frames": frames}))
