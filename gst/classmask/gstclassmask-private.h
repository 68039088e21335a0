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

/* Appends meta to data. FALSE if its mask cannot be read. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_write (
    const GstClassMaskMeta *meta, GByteArray *data);

/* Adds the meta that gst_class_mask_meta_write() wrote to buffer. Does not
 * trust data: returns NULL, with a warning, if it is anything else. */
G_GNUC_INTERNAL
GstClassMaskMeta *gst_class_mask_meta_read (
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);

#define GST_CLASS_MASK_META_VERSION 1

G_END_DECLS
