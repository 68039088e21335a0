/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

#include "gst/base/frameview.h"
#include "net/engine.h"

G_BEGIN_DECLS

#define GST_TYPE_FRAME_FILTER (gst_frame_filter_get_type ())
G_DECLARE_DERIVABLE_TYPE (
    GstFrameFilter, gst_frame_filter, GST, FRAME_FILTER, GstBaseTransform)

G_END_DECLS

/* One frame of a stream, mapped. */
struct GstFrameFilterView {
  fastscnn::Rect part;   /* of the buffer's frame that is looked at */
  fastscnn::Frame frame; /* that part; read-only unless writes_pixels */
  fastscnn::Queue queue; /* where its memory lives; null in host memory */
};

/* Base of the elements that look at frames or paint them, in place. Owns caps,
 * negotiation and mapping: a subclass sees pointers, strides and numbers, and
 * need not know pixel formats, crops and kinds of memory. Never in passthrough
 * mode: there a buffer is not made writable, and no meta can be added to it.
 *
 * The functions below run on the streaming thread. An Error of theirs becomes
 * an element error. */
struct _GstFrameFilterClass {
  GstBaseTransformClass parent_class;

  /* Map frames for writing too. */
  gboolean writes_pixels;

  /* From now on frames are of this kind: called when caps are set, and when
   * the crop meta of a buffer says something new. Slow work goes here. */
  fastscnn::Result<> (*set_info) (
      GstFrameFilter *filter, const fastscnn::FrameInfo &info);

  /* Optional. Called with the buffer, writable but not mapped: FALSE pushes it
   * as it is then, without `process`. */
  gboolean (*prepare) (GstFrameFilter *filter, GstBuffer *buffer);

  fastscnn::Result<> (*process) (GstFrameFilter *filter, GstBuffer *buffer,
      const GstFrameFilterView &view);
};

/* For class_init: frames in GPU memory are welcome too, if this was built with
 * gst-cuda. They are mapped there; FrameInfo and Queue say so. */
void gst_frame_filter_class_accept_gpu_memory (GstFrameFilterClass *klass);

/* For start: whether they really are, and on which device (-1: any). */
void gst_frame_filter_use_gpu_memory (
    GstFrameFilter *filter, gboolean use, gint device_id);

/* The CUcontext that frames in GPU memory live in, from set_info on. */
gpointer gst_frame_filter_get_cuda_context (GstFrameFilter *filter);

/* For masks that lie where the frames do; NULL in host memory. (transfer full)
 */
GstAllocator *gst_frame_filter_make_mask_allocator (GstFrameFilter *filter);

/* What the caps say, from set_info on. */
const GstVideoInfo *gst_frame_filter_get_video_info (GstFrameFilter *filter);

/* Posts an element error that says what went wrong. */
void gst_frame_filter_post_error (
    GstElement *element, const fastscnn::Error &error);
