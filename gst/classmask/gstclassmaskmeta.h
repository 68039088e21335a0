/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/classmask-prelude.h>
#include <gst/classmask/gstclassmaskclasses.h>

G_BEGIN_DECLS

#define GST_CLASS_MASK_META_API_TYPE (gst_class_mask_meta_api_get_type ())
#define GST_CLASS_MASK_META_INFO (gst_class_mask_meta_get_info ())

/**
 * GST_CLASS_MASK_UNKNOWN:
 *
 * The value of a mask's pixel whose class is not known.
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_UNKNOWN 255

/**
 * GST_CLASS_MASK_MAX_SIZE:
 *
 * The largest width and the largest height of a mask, in pixels.
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_MAX_SIZE 8192

/**
 * GstClassMaskMeta:
 * @meta: parent
 * @mask: one byte a pixel, the id of its class or %GST_CLASS_MASK_UNKNOWN: a
 *     GRAY8 picture with a #GstVideoMeta, of any size. Shared by reference
 *     between buffers: read it, never write it
 * @confidence: (nullable): how likely the class of each pixel is, 255 is
 *     certain: a GRAY8 picture of the same size as @mask. Set it with
 *     gst_class_mask_meta_set_confidence()
 * @classes: what the ids stand for
 * @x: left edge, in pixels of the frame, of the part of it that the mask
 *     covers; the part may lie partly outside the frame
 * @y: top edge of that part
 * @width: width of that part, in pixels of the frame
 * @height: height of that part, in pixels of the frame
 * @age: how much older than this frame the one that was looked at is, in
 *     nanoseconds; 0 if it is this one
 * @source: the name of the element that made the mask, or 0
 *
 * What is where in a video frame.
 *
 * It is kept when a buffer is copied or, with its #GstMemory replaced,
 * converted: the mask by reference. Where the frame is scaled, the
 * rectangle follows; a scaler that adds borders does not tell how wide they
 * are before GStreamer 1.28, so let it not add any. GStreamer before 1.28
 * drops the meta where a frame is cropped, and every version where it is
 * flipped or turned.
 *
 * Since: 0.1
 */
typedef struct _GstClassMaskMeta GstClassMaskMeta;

struct _GstClassMaskMeta {
  GstMeta meta;

  GstBuffer *mask;
  GstBuffer *confidence;
  GstClassMaskClasses *classes;
  gint x;
  gint y;
  guint width;
  guint height;
  GstClockTime age;
  GQuark source;

  /*< private >*/
  gpointer _gst_reserved[GST_PADDING];
};

GST_CLASS_MASK_API
GType gst_class_mask_meta_api_get_type (void);

GST_CLASS_MASK_API
const GstMetaInfo *gst_class_mask_meta_get_info (void);

GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_add_class_mask_meta (GstBuffer *buffer,
    GstBuffer *mask, GstClassMaskClasses *classes, gint x, gint y, guint width,
    guint height);

GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_get_class_mask_meta (GstBuffer *buffer);

GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_get_class_mask_meta_by_source (
    GstBuffer *buffer, const gchar *source);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_set_confidence (
    GstClassMaskMeta *meta, GstBuffer *confidence);

G_END_DECLS
