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

/* A mapped frame. */
struct GstFrameFilterView {
  fastscnn::Rect part;   /* the visible part of the buffer's frame */
  fastscnn::Frame frame; /* that part; read-only unless writes_pixels */
  fastscnn::Queue queue; /* on which `frame` is valid; empty in host memory */
};

/* Base class of elements that read or paint frames in place. It owns caps,
 * negotiation and mapping, so that a subclass sees pointers, strides and
 * numbers instead of pixel formats, crops and kinds of memory. It is never in
 * passthrough mode, because then buffers would not be made writable and could
 * not get metadata.
 *
 * The functions below run on the streaming thread. An Error that they return
 * becomes an element error. A frame that cannot be accessed is not one: the
 * base class posts a warning, at most one every few seconds. */
struct _GstFrameFilterClass {
  GstBaseTransformClass parent_class;

  /* Map frames for writing, too. */
  gboolean writes_pixels;

  /* Announces the kind of the frames that follow. Called when caps, crop, kind
   * of memory or CUDA context change. Do slow work here. */
  fastscnn::Result<> (*set_info) (
      GstFrameFilter *filter, const fastscnn::FrameInfo &info);

  /* Optional. Called with the buffer, which is writable but not mapped yet.
   * Returning FALSE pushes it without calling `process`. */
  gboolean (*prepare) (GstFrameFilter *filter, GstBuffer *buffer);

  fastscnn::Result<> (*process) (GstFrameFilter *filter, GstBuffer *buffer,
      const GstFrameFilterView &view);

  /* Optional. Called instead of `process` with a frame that cannot be accessed:
   * it is empty or short, its memory cannot be mapped, its GstVideoMeta is
   * wrong, or a crop leaves less than kMinFrameSize. Returns whether to push it
   * as it is, which is the default; FALSE drops it. */
  gboolean (*pass_unreadable) (GstFrameFilter *filter, GstBuffer *buffer);
};

/* Call from class_init. Adds caps of frames in GPU memory if built with
 * gst-cuda. Such frames are mapped on the GPU; FrameInfo and Queue say so. */
void gst_frame_filter_class_accept_gpu_memory (GstFrameFilterClass *klass);

/* Call from start. Sets whether this instance takes frames in GPU memory, and
 * of which device (-1: any). */
void gst_frame_filter_use_gpu_memory (
    GstFrameFilter *filter, gboolean use, gint device_id);

/* The visible part of a buffer's frame; the size of the caps if they disagree
 * with the GstVideoMeta. whole: (out) the frame's size without the crop. */
fastscnn::Rect gst_frame_filter_get_visible_part (
    GstFrameFilter *filter, GstBuffer *buffer, fastscnn::Rect *whole);

/* The CUcontext of frames in GPU memory, from set_info on. */
gpointer gst_frame_filter_get_cuda_context (GstFrameFilter *filter);

/* An allocator for masks in the frames' GPU memory; NULL if frames are
 * in host memory. (transfer full) */
GstAllocator *gst_frame_filter_make_mask_allocator (GstFrameFilter *filter);

/* Posts an Error as an element error. */
void gst_frame_filter_post_error (
    GstElement *element, const fastscnn::Error &error);
