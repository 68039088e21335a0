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
 * The value of pixels whose class is not known.
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
 * GST_CLASS_MASK_MAX_PLACEMENTS:
 *
 * The largest number of placements of a mask; see
 * gst_class_mask_meta_get_placement().
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_MAX_PLACEMENTS 4

/**
 * GstClassMaskMeta:
 * @meta: parent
 * @mask: a GRAY8 image of any size with a #GstVideoMeta. Each byte is the id of
 *     a class or %GST_CLASS_MASK_UNKNOWN. Buffers share it by reference: never
 *     write to it
 * @confidence: (nullable): the probability of the class of each pixel, from 0
 * to 255 (certain): a GRAY8 image of the size of @mask. Set it with
 *     gst_class_mask_meta_set_confidence()
 * @classes: the class table
 * @x: left edge, in pixels of the frame, of the part of the frame that the mask
 *     covers; the part may lie partly outside the frame
 * @y: top edge of that part
 * @width: width of that part, in pixels of the frame
 * @height: height of that part, in pixels of the frame
 * @age: the time between the frame that the mask was made from and this one, in
 *     nanoseconds; 0 if they are the same, %GST_CLOCK_TIME_NONE if not known
 * @source: the name of the element that made the mask, or 0
 *
 * The class of every pixel of a video frame.
 *
 * The meta follows the frame when a buffer is copied or converted; the mask is
 * passed on by reference. When the frame is scaled, cropped or gets borders,
 * the rectangle follows. GStreamer before 1.28 drops the meta when a frame is
 * cropped, and does not say whether a scaler has added borders: see
 * gst_class_mask_meta_get_placement(). The meta is dropped when a frame is
 * flipped or rotated.
 *
 * Coordinates are those of the whole frame, including pixels that a
 * #GstVideoCropMeta hides.
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
gboolean gst_class_mask_meta_get_placement (const GstClassMaskMeta *meta,
    guint index, gint *x, gint *y, guint *width, guint *height);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_set_confidence (
    GstClassMaskMeta *meta, GstBuffer *confidence);

G_END_DECLS
