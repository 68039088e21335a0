/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/video/video.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

#define GST_CAT_DEFAULT gst_class_mask_debug_category ()

G_GNUC_INTERNAL
GstDebugCategory *gst_class_mask_debug_category (void);

/* Checks that buffer (nullable) is a GRAY8 picture whose rows all lie in its
 * memory; warns if not. */
G_GNUC_INTERNAL
gboolean gst_class_mask_check_picture (
    GstBuffer *buffer, guint *width, guint *height);

/* A GRAY8 picture of system memory with a GstVideoMeta and tight rows. */
G_GNUC_INTERNAL
GstBuffer *gst_class_mask_new_picture (guint width, guint height);

/* Appends everything that meta says to data. FALSE if its mask cannot be
 * read. */
G_GNUC_INTERNAL
gboolean gst_class_mask_meta_write (
    const GstClassMaskMeta *meta, GByteArray *data);

/* Adds to buffer what gst_class_mask_meta_write() wrote; data may hold
 * anything. NULL, with a warning, if it is not that. */
G_GNUC_INTERNAL
GstClassMaskMeta *gst_class_mask_meta_read (
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version);

#define GST_CLASS_MASK_META_VERSION 1

G_END_DECLS
