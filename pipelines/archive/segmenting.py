# SPDX-License-Identifier: LGPL-2.1-or-later
"""Segments pieces of recordings. Runs on workers: each thread of a worker keeps one
network for all of its pieces."""

import atexit
import dataclasses
import hashlib
import json
import os
import pathlib
import threading
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402
from decoding import Decoder  # noqa: E402
from failures import BadSeam, Failure  # noqa: E402
from keyframes import Piece, sentence  # noqa: E402

# fastscnn0 is the name that gst-launch-1.0 gives to the first fastscnn.
NETWORK = "fastscnn name=fastscnn0 qos=false"
# wall-clock=false: the time of reading says nothing about the time of recording.
LINES = ("classmaskjson wall-clock=false {json} ! "
         "filesink name=lines async=false sync=false")
# Every frame is coded alone, so that pieces can be joined without coding again.
MASKS = ("classmaskextract ! video/x-raw,format=GRAY8 ! avenc_ffv1 gop-size=1 ! "
         "matroskamux ! filesink name=masks async=false sync=false")


@dataclasses.dataclass(frozen=True)
class Options:
    """All that affects the results, except the recordings."""
    model: str | None = None  # file; None: the included one
    model_hash: str = ""
    backend: str = "auto"
    threads: int = 1
    fastscnn: str = ""  # properties, as in gst-launch-1.0
    json: str = ""  # properties of classmaskjson
    masks: bool = False


def make_element(description, factory):
    """Returns an element of this factory with its properties set."""
    try:
        element = Gst.parse_launch(description)
    except GLib.Error as error:
        raise Failure(error.message.rstrip(".")) from error
    made = element.get_factory()
    if made is None or made.get_name() != factory:
        raise Failure(f"{description} is more than properties of {factory}")
    return element


def model_file(name):
    """The model file that fastscnn will open."""
    default = "fastscnn-camvid.safetensors"
    if name and (os.path.exists(name) or os.path.dirname(name)):
        return pathlib.Path(name)
    folders = os.environ.get("FASTSCNN_MODEL_PATH", "").split(":")
    plugin = Gst.Registry.get().find_plugin("fastscnn")
    if plugin is not None and plugin.get_filename():
        # From lib or lib/<triplet>. Debian's /lib is a link to /usr/lib.
        folders += [folder / "share/fastscnn" for folder
                    in pathlib.Path(plugin.get_filename()).resolve().parents]
    for folder in filter(None, folders):
        path = pathlib.Path(folder) / (name or default)
        if path.exists():
            return path
    raise Failure(f"there is no model {name or default}")


def hash_model(name):
    try:
        with open(model_file(name), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from error


def check_installation(model, model_hash):
    if Gst.ElementFactory.find("fastscnn") is None:
        raise Failure("there is no GStreamer element fastscnn; install this "
                      "project's packages")
    if hash_model(model) != model_hash:
        raise Failure("the model differs from the one that archive.sh found")


class Segmenter:
    """A fastscnn element into which frames are pushed directly. The elements
    downstream of it are created anew for each piece."""

    def __init__(self, options):
        check_installation(options.model, options.model_hash)
        self.options = options
        self.net = make_element(
            f"{NETWORK} threads={options.threads} backend={options.backend} "
            f"{options.fastscnn}", "fastscnn")
        if options.model:
            self.net.set_property("model-file", options.model)
        self.caps = self._system_memory()
        self._pipeline = Gst.Pipeline.new(None)
        self._pipeline.add(self.net)
        self._source = Gst.Pad.new("src", Gst.PadDirection.SRC)
        self._source.set_active(True)
        self._source.link(self.net.get_static_pad("sink"))
        self._pushed = None  # caps
        self._begun = False  # the piece has frames, all of one size if it has masks
        atexit.register(self.close)
        try:
            self._check(self._pipeline.set_state(Gst.State.PLAYING)
                        != Gst.StateChangeReturn.FAILURE)
        except Failure:
            self.close()
            raise

    def close(self):
        atexit.unregister(self.close)
        self._pipeline.set_state(Gst.State.NULL)

    def device(self):
        return self.net.get_property("stats").get_value("device")

    def _system_memory(self):
        """The caps of the network's input in system memory."""
        every = self.net.get_static_pad("sink").get_pad_template_caps()
        return Gst.Caps.from_string("; ".join(
            every.get_structure(i).to_string() for i in range(every.get_size())
            if every.get_features(i).contains(
                Gst.CAPS_FEATURE_MEMORY_SYSTEM_MEMORY)))

    def _check(self, good):
        if not good:
            self._check_messages()
            raise Failure("the network has stopped")

    def _check_messages(self):
        message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
        if message is not None:
            raise Failure(sentence(message))

    def _make_output(self, lines, masks):
        description = LINES.format(json=self.options.json)
        if masks:
            description = f"tee name=tee ! {description} tee. ! {MASKS}"
        output = Gst.parse_bin_from_description(description, True)
        output.get_by_name("lines").set_property("location", str(lines))
        if masks:
            output.get_by_name("masks").set_property("location", str(masks))
        return output

    def segment(self, samples, segment, lines, masks, on_frame):
        """Writes the masks of samples to the files; returns the number of
        frames. segment: of the recording; None: that of the samples."""
        output = self._make_output(lines, masks)
        self._begun = False
        frames = 0
        self._pipeline.add(output)
        self.net.link(output)
        output.sync_state_with_parent()
        try:
            self._source.push_event(Gst.Event.new_stream_start("piece"))
            pushed = None
            for sample in samples:
                self._push_caps(sample.get_caps(), masks)
                current = segment or _read_segment(sample.get_segment())
                if current != pushed:
                    pushed = current
                    self._source.push_event(_segment_event(current))
                self._check(self._source.push(sample.get_buffer())
                            == Gst.FlowReturn.OK)
                frames += 1
                on_frame()
            # Everything runs in one thread, so this returns when both files are
            # written.
            self._source.push_event(Gst.Event.new_eos())
            self._check_messages()
        finally:
            output.set_state(Gst.State.NULL)
            self.net.unlink(output)
            self._pipeline.remove(output)
            self._source.push_event(Gst.Event.new_flush_start())
            self._source.push_event(Gst.Event.new_flush_stop(True))
        return frames

    def _push_caps(self, caps, masks):
        if self._pushed is None or not caps.is_equal(self._pushed):
            if self._begun and masks:
                raise Failure("its frames change size or format, and the video "
                              "of --masks cannot")
            self._pushed = caps
            self._check(self._source.push_event(Gst.Event.new_caps(caps)))
        self._begun = True


def _read_segment(segment):
    return segment.start, segment.stop, segment.base, segment.time


def _segment_event(values):
    segment = Gst.Segment()
    segment.init(Gst.Format.TIME)
    segment.start, segment.stop, segment.base, segment.time = values
    segment.position = segment.start
    return Gst.Event.new_segment(segment)


_of_thread = threading.local()


def get_segmenter(options):
    segmenter = getattr(_of_thread, "segmenter", None)
    if segmenter is None or segmenter.options != options:
        drop_segmenter()
        segmenter = _of_thread.segmenter = Segmenter(options)
    return segmenter


def drop_segmenter():
    segmenter, _of_thread.segmenter = getattr(
        _of_thread, "segmenter", None), None
    if segmenter is not None:
        segmenter.close()


class Progress:
    """Counts frames, and calls `report (frames)` once a second."""

    def __init__(self, report):
        self._report = report
        self._count = 0
        self._next = time.monotonic() + 1

    def __call__(self):
        self._count += 1
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self):
        if self._count:
            self._report(self._count)
        self._count = 0
        self._next = time.monotonic() + 1


def segment_piece(uri, piece, segment, options, lines, masks, report):
    """Segments one piece into files that appear only when they are complete.

    piece, options: the fields of Piece and Options. segment: of a recording that
    is cut. masks: None for none. report (frames): called once a second."""
    Gst.init(None)
    piece = Piece(**piece)
    begun = time.monotonic()
    segmenter = get_segmenter(Options(**options))
    unique = f".{os.uname().nodename}-{os.getpid()}-{threading.get_ident()}"
    parts = [pathlib.Path(f"{file}{unique}.part")
             for file in (lines, masks) if file]
    progress = Progress(report)
    try:
        frames = segmenter.segment(
            Decoder(uri, piece, segment, segmenter.caps,
                    segmenter.options.threads),
            segment, *(parts if masks else (parts[0], None)), progress)
        progress.flush()
        check_seam(parts[0], piece, frames)
        # The lines come last: if they exist, everything does.
        for part, file in reversed(list(zip(parts, filter(None,
                                                          (lines, masks))))):
            with open(part, "rb") as whole:
                os.fsync(whole.fileno())
            os.rename(part, file)
    except (Failure, BadSeam):
        drop_segmenter()
        raise
    except OSError as error:
        drop_segmenter()
        raise Failure(f"{error.filename}: {error.strerror}") from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return {"frames": frames, "seconds": time.monotonic() - begun,
            "device": segmenter.device()}


def check_seam(lines, piece, frames):
    """Raises BadSeam if frames of the piece may depend on those before it."""
    if piece.first is None and piece.end is None:
        return
    # After damaged data, times, masks and the frames that `interval` skips depend
    # on what was decoded before.
    if frames != piece.frames:
        raise BadSeam(f"{frames} of {piece.frames} frames can be decoded")
    with open(lines, "rb") as file:
        head = file.readline()
        count = bool(head) + sum(1 for _ in file)
    if count != frames or piece.first is not None and (
            not head or json.loads(head)["age"] != 0):
        raise BadSeam("frames at the seam have no mask of their own")
