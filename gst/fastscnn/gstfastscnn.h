/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/**
 * SECTION:element-fastscnn
 * @title: fastscnn
 * @short_description: semantic segmentation of video
 * @see_also: classmaskoverlay, classmaskextract, classmaskjson
 *
 * Segments every frame with Fast-SCNN (Poudel, Liwicki, Cipolla: Fast-SCNN:
 * Fast Semantic Segmentation Network, arXiv 1902.04502) and attaches a
 * #GstClassMaskMeta, which holds the class of every pixel, and a custom meta
 * `ClassMaskSummary` with the fractions of the classes ([its
 * fields](applications.html)). The pixels of the frame are not changed.
 *
 * Three properties help if inference is slower than the stream. With
 * #GstFastScnn:interval only every n-th frame is inferred. With
 * #GstFastScnn:async frames never wait: a copy of the newest frame is inferred
 * on another thread. With #GstFastScnn:qos, which is on by default, late frames
 * are not inferred. Frames that are not inferred carry the newest mask and its
 * age. No frame is ever dropped.
 *
 * With #GstFastScnn:post-messages, each mask is also announced on the bus by an
 * element message `classmask` with the fields
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: those of
 *   the frame
 * * #gint `width`, `height`: the size of the mask
 * * #gchararray `model`: the name of the model
 * * #guint64 `age`: 0
 * * #GST_TYPE_ARRAY of #gchararray `labels`: the names of the classes
 * * #GST_TYPE_ARRAY of #GST_TYPE_ARRAY of #gchararray `aliases`: other names of
 *   each class
 * * #GST_TYPE_ARRAY of #guint64 `pixels`: the number of pixels of each class
 * * #guint64 `unknown`: the number of pixels whose class is not known
 * * with #GstFastScnn:zones, #GST_TYPE_ARRAY of #GstStructure `zones`: for each
 *   zone its `name`, and its `pixels` and `unknown` as above
 *
 * #GstFastScnn:zones names a JSON file of parts of the frame: an object with a
 * polygon, or a list of polygons, for each name. A polygon is a list of points
 * `[x, y]` from 0 to 1, fractions of the width and height of the frame. The
 * pixels in a zone are counted with the rest of the mask; the message, the
 * `ClassMaskSummary` and the lines of classmaskjson contain the result.
 * `classmaskoverlay zones=true` outlines the zones.
 *
 * If #GstFastScnn:backend is auto and a GPU fails while the stream runs, the
 * CPU takes over. The element posts a warning and an element message
 * `fastscnn-fallback` with the fields #gchararray `backend`, `device` and
 * `reason`.
 *
 * #GstFastScnn:model-file can be set while the stream runs. The model is loaded
 * in the background and takes over between two frames. The element message
 * `fastscnn-model` announces this, with the fields #gchararray `model-file`,
 * `model` (its name), `backend` and `device`. If it cannot be loaded, a warning
 * says why, and the property goes back to the model that stays in use.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=street.mp4 ! decodebin ! videoconvert !
 * fastscnn ! classmaskoverlay ! videoconvert ! autovideosink
 * ]| Plays a video with its classes drawn over it.
 * |[
 * gst-launch-1.0 rtspsrc location=rtsp://camera/stream ! decodebin !
 * videoconvert ! fastscnn async=true ! classmaskoverlay ! videoconvert !
 * autovideosink
 * ]| The same for a camera; frames never wait for inference.
 * |[
 * gst-launch-1.0 -m videotestsrc num-buffers=50 ! fastscnn interval=9
 * post-messages=true ! fakesink
 * ]| Prints the classes of every tenth frame.
 */

#include <gst/gst.h>

#include "gst/base/gstframefilter.h"

G_BEGIN_DECLS

#define GST_TYPE_FAST_SCNN (gst_fast_scnn_get_type ())
G_DECLARE_FINAL_TYPE (
    GstFastScnn, gst_fast_scnn, GST, FAST_SCNN, GstFrameFilter)

GST_ELEMENT_REGISTER_DECLARE (fastscnn);

G_END_DECLS
