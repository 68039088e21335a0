/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_get_size (
    const GstClassMaskMeta *meta, guint *width, guint *height);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_map (
    const GstClassMaskMeta *meta, GstVideoFrame *frame);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_map_confidence (
    const GstClassMaskMeta *meta, GstVideoFrame *frame);

GST_CLASS_MASK_API
gint gst_class_mask_meta_get_class_at (
    const GstClassMaskMeta *meta, gint x, gint y);

GST_CLASS_MASK_API
gboolean gst_class_mask_set_pixel_counts (
    GstBuffer *mask, const guint64 counts[256]);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_count_pixels (
    const GstClassMaskMeta *meta, guint64 counts[256]);

GST_CLASS_MASK_API
GArray *gst_class_mask_meta_get_areas (const GstClassMaskMeta *meta);

GST_CLASS_MASK_API
GstBuffer *gst_class_mask_meta_scale_to_frame (
    const GstClassMaskMeta *meta, guint frame_width, guint frame_height);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_scale_into (
    const GstClassMaskMeta *meta, GstVideoFrame *frame);

G_END_DECLS
