# SPDX-License-Identifier: LGPL-2.1-or-later
"""Additions to the C library for `from gi.repository import GstClassMask`:

    mask_of(buffer)     the mask of a frame, as a Mask
    frames(source)      the frames of a video with their masks, each as a Frame
    Error               why there are no more frames

Returned objects stay valid and unchanged after their frame is gone. That also holds
for the C functions that return a meta: the meta keeps its buffer. Needs PyGObject and
GStreamer's typelibs; NumPy only for `array` and `confidence`."""

import functools
import os
import pathlib
import warnings

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import GObject, Gst, GstVideo  # noqa: E402

from ..module import get_introspection_module  # noqa: E402

GstClassMask = get_introspection_module("GstClassMask")

__all__ = ["Error", "Frame", "Mask", "frames", "mask_of"]

# RGB, because that is what programs in Python work with. Frames of a live source
# that arrive while the program is busy are dropped before inference.
# async=false: with a live source in uridecodebin, GStreamer 1.22 sometimes fails to
# set a sink to PLAYING that has waited for its first frame.
PIPELINE = ("uridecodebin name=source expose-all-streams=false "
            "caps=video/x-raw(ANY) source. ! videoconvert ! "
            "video/x-raw,format=RGB ! videoflip video-direction=auto ! "
            "queue max-size-buffers=1 max-size-bytes=0 max-size-time=0 "
            "leaky={leaky} ! fastscnn name=net ! "
            "appsink name=sink sync=false async=false max-buffers=1")


class Error(Exception):
    """A sentence that says what failed and, often, what to do."""


def _keep_buffer(name):
    """Makes a meta, which is a pointer into its buffer, hold a reference to the buffer.
    PyGObject itself takes references to what the fields of the meta point to."""
    function = getattr(GstClassMask, name)

    @functools.wraps(function)
    def wrapped(buffer, *arguments):
        meta = function(buffer, *arguments)
        if meta is not None:
            meta._buffer = buffer
        return meta

    globals()[name] = wrapped
    __all__.append(name)


for _name in ("buffer_add_class_mask_meta", "buffer_get_class_mask_meta",
              "buffer_get_class_mask_meta_by_source"):
    _keep_buffer(_name)


class _Pixels:
    """Exposes a view to NumPy, whose array holds a reference to this object."""

    def __init__(self, view):
        self._view = view
        self.__array_interface__ = {
            "version": 3, "typestr": "|u1", "shape": (view.height, view.width),
            "strides": (view.stride, 1), "data": (view.pixels, True)}


def _array(view):
    import numpy
    return numpy.asarray(_Pixels(view))


class Mask:
    """The class of every pixel of a frame. Does not keep a reference to the frame."""

    def __init__(self, meta):
        self._meta = meta

    @functools.cached_property
    def array(self):
        """Class ids as an array of uint8, (height, width); 255 is unknown. Not a copy
        and read-only. It can be smaller than the frame: see `rectangle`."""
        view = self._meta.view()
        if view is None:
            raise Error("The mask cannot be read; GST_DEBUG=classmask:3 shows why")
        return _array(view)

    @functools.cached_property
    def confidence(self):
        """The probability of each pixel's class, 0 to 255, in the format of `array`;
        None without fastscnn confidence-map=true."""
        view = self._meta.view_confidence()
        return None if view is None else _array(view)

    @functools.cached_property
    def labels(self):
        """The name of each class, by id."""
        classes = self._meta.classes
        return tuple(map(classes.get_label, range(classes.get_size())))

    @functools.cached_property
    def colors(self):
        """The colour of each class, by id: (red, green, blue), 0 to 255."""
        classes = self._meta.classes
        return tuple(tuple(classes.get_color(i).to_bytes(3, "big"))
                     for i in range(classes.get_size()))

    def find(self, label):
        """The id of a class, by its label or an alias of it."""
        number = self._meta.classes.find(label)
        if number < 0:
            raise ValueError(f"there is no class {label}, only "
                             f"{', '.join(self.labels)}")
        return number

    @property
    def model(self):
        """The name of the model."""
        return self._meta.classes.get_model()

    @property
    def age(self):
        """Seconds between the frame that the mask was made from and this one; None if
        not known."""
        age = self._meta.age
        return None if age == Gst.CLOCK_TIME_NONE else age / Gst.SECOND

    @property
    def rectangle(self):
        """The part of the frame that the mask covers, in pixels of the frame:
        (x, y, width, height)."""
        meta = self._meta
        return meta.x, meta.y, meta.width, meta.height

    def shares(self):
        """The fraction of the mask that each class covers, 0 to 1, by label, largest
        first. The rest up to 1 is unknown."""
        areas = self._meta.get_areas()
        if not areas:
            raise Error("The mask cannot be read; GST_DEBUG=classmask:3 shows why")
        total = max(sum(areas), 1)
        shares = dict.fromkeys(self.labels, 0.0)
        for label, area in zip(self.labels, areas):
            shares[label] += area / total
        return dict(sorted(shares.items(), key=lambda item: -item[1]))


def mask_of(buffer, source=None):
    """Returns the mask of a frame that was attached last, or None if there is none.
    source: only masks of the element with this name."""
    find = GstClassMask.buffer_get_class_mask_meta_by_source
    if find(buffer, source) is None:
        return None
    # Use a buffer without pixels: then a mask that is kept does not stop the frame from
    # being written to, or from going back to the decoder.
    metas = Gst.Buffer.new()
    metas.copy_into(buffer, Gst.BufferCopyFlags.META, 0, buffer.get_size())
    meta = find(metas, source)
    meta._buffer = metas
    return Mask(meta)


class Frame:
    """A frame of frames()."""

    def __init__(self, sample):
        self.buffer = sample.get_buffer()
        self._caps = sample.get_caps()
        time = sample.get_segment().to_stream_time(Gst.Format.TIME,
                                                   self.buffer.pts)
        self.time = None if time == Gst.CLOCK_TIME_NONE else time / Gst.SECOND
        """Seconds from the beginning of the video; None if not known."""

    @functools.cached_property
    def mask(self):
        """The Mask; None if the frame could not be read."""
        return mask_of(self.buffer)

    @functools.cached_property
    def array(self):
        """The pixels as an array of uint8, (height, width, 3), red first. Read-only."""
        import numpy
        info = GstVideo.VideoInfo.new_from_caps(self._caps)
        layout = GstVideo.buffer_get_video_meta(self.buffer) or info
        pixels = self.buffer.extract_dup(0, self.buffer.get_size())
        return numpy.ndarray((info.height, info.width, 3), numpy.uint8, pixels,
                             layout.offset[0], (layout.stride[0], 3, 1))


def frames(source, **properties):
    """Iterates over the frames of a video, upright and with their masks.

    source is a file, a URI such as rtsp://camera/stream, or a device such as
    /dev/video0. properties are those of fastscnn, with `_` for `-`: interval=4,
    model_file="my.safetensors". Raises Error for a source that cannot be read or
    an element that fails. Drops frames of a live source that arrive while the caller
    is busy. A warning of an element becomes a Python warning."""
    if not Gst.is_initialized():
        Gst.init(None)
    uri = _uri_of(os.fspath(source))
    live = not uri.startswith(("file:", "http:", "https:"))
    try:
        pipeline = Gst.parse_launch(
            PIPELINE.format(leaky="downstream" if live else "no"))
    except gi.repository.GLib.Error as error:
        raise Error(f"GStreamer cannot run a pipeline with fastscnn: "
                    f"{error.message}") from None
    pipeline.get_by_name("source").set_property("uri", uri)
    for name, value in properties.items():
        _set_property(pipeline.get_by_name("net"),
                      name.rstrip("_").replace("_", "-"), value)
    # Leave URIs out of messages: the address of a camera can contain a password.
    return _run(pipeline, "" if "://" in os.fspath(source) else f"{source}: ")


def _uri_of(source):
    if "://" in source:
        return source
    path = pathlib.Path(source)
    if path.is_char_device():
        return f"v4l2://{path}"
    if not path.exists():
        raise Error(f"{source} does not exist")
    if not path.is_file():
        raise Error(f"{source} is not a file")
    return path.resolve().as_uri()


def _set_property(element, name, value):
    spec = element.find_property(name)
    if spec is None or not spec.flags & GObject.ParamFlags.WRITABLE:
        raise TypeError(f"fastscnn has no property {name} to set; see "
                        "gst-inspect-1.0 fastscnn")
    if spec.value_type.is_a(GObject.TYPE_ENUM):
        Gst.util_set_object_arg(element, name, str(value))
        if element.get_property(name).value_nick != value:
            raise ValueError(f"fastscnn: {name} cannot be {value}; see "
                             "gst-inspect-1.0 fastscnn")
        return
    lowest, highest = (getattr(spec, limit, None)
                       for limit in ("minimum", "maximum"))
    if lowest is not None and not lowest <= value <= highest:
        raise ValueError(f"fastscnn: {name} cannot be {value}, only "
                         f"{lowest} to {highest}")
    element.set_property(
        name, os.fspath(value) if isinstance(value, os.PathLike) else value)


def _run(pipeline, subject):
    sink, net = map(pipeline.get_by_name, ("sink", "net"))
    bus = pipeline.get_bus()
    count, error = 0, None
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while True:
            sample = sink.emit("try-pull-sample", Gst.SECOND // 10)
            error = error or _read_messages(bus, net, subject)
            if sample is not None:
                count += 1
                yield Frame(sample)
            elif error:
                raise error
            elif sink.get_property("eos"):
                break
    finally:
        pipeline.set_state(Gst.State.NULL)
    if not count:
        raise Error(f"{subject}there is no video")


def _read_messages(bus, net, subject):
    """Passes warnings on, and returns the first error."""
    while (message := bus.pop_filtered(Gst.MessageType.ERROR |
                                       Gst.MessageType.WARNING)):
        # Messages of fastscnn are not about the source: do not name it.
        about = "" if message.src == net else subject
        if message.type == Gst.MessageType.ERROR:
            return Error(about + message.parse_error()[0].message)
        warnings.warn(about + message.parse_warning()[0].message, stacklevel=3)
    return None
