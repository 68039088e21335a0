/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

#define GST_CAT_DEFAULT gst_class_mask_debug_category ()

G_GNUC_INTERNAL
GstDebugCategory *gst_class_mask_debug_category (void);

/* Checks that buffer (nullable) is a GRAY8 image whose rows all lie inside the
 * buffer; warns if not. */
G_GNUC_INTERNAL
gboolean gst_class_mask_check_image (
    GstBuffer *buffer, guint *width, guint *height);

/* A GRAY8 image in system memory, with a GstVideoMeta and no row padding. */
G_GNUC_INTERNAL
GstBuffer *gst_class_mask_new_image (guint width, guint height);

/* All rectangles of the frame that a mask may cover; see
 * gst_class_mask_meta_get_placement(). */
typedef struct {
  guint n;
  GstVideoRectangle rect[GST_CLASS_MASK_MAX_PLACEMENTS];
  gint frame_width; /* of the frame they were moved to; 0: not moved */
  gint frame_height;
} GstClassMaskPlacements;

G_GNUC_INTERNAL
void gst_class_mask_meta_read_placements (
    const GstClassMaskMeta *meta, GstClassMaskPlacements *placements);

/* placements has at least one rectangle. */
G_GNUC_INTERNAL
void gst_class_mask_meta_write_placements (
    GstClassMaskMeta *meta, const GstClassMaskPlacements *placements);

/* Moves self with a transformed frame: buffer, type and data are the arguments
 * of a GstMetaTransformFunction. Returns FALSE, with self unchanged, if the
 * mask cannot follow the frame. */
G_GNUC_INTERNAL
gboolean gst_class_mask_placements_transform (GstClassMaskPlacements *self,
    GstBuffer *buffer, GQuark type, gconstpointer data);

/* The pixels of the mask that are inside a frame of this size. FALSE if the
 * mask cannot be read. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_get_visible (const GstClassMaskMeta *meta,
    gint frame_width, gint frame_height, GstVideoRectangle *part);

/* Like gst_class_mask_meta_count_pixels(), for these pixels of the mask. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_count_part (const GstClassMaskMeta *meta,
    const GstVideoRectangle *part, guint64 counts[256]);

/* Like gst_class_mask_meta_count_zone(), for all zones, (zones, 256), and only
 * these pixels of the mask, which must have zones. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_count_zones_in (const GstClassMaskMeta *meta,
    const GstVideoRectangle *part, guint64 *counts);

/* Appends meta to data. FALSE if its mask cannot be read. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_write (
    const GstClassMaskMeta *meta, GByteArray *data);

/* Adds the meta that gst_class_mask_meta_write() wrote to buffer. Does not
 * trust data: returns NULL, with a warning, if it is not valid. */
G_GNUC_INTERNAL
GstClassMaskMeta *gst_class_mask_meta_read (
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);

#define GST_CLASS_MASK_META_VERSION 1

G_END_DECLS
