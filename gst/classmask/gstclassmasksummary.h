/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

/**
 * GST_CLASS_MASK_SUMMARY_META_NAME:
 *
 * The name under which gst_buffer_get_custom_meta() finds the summary that
 * gst_buffer_add_class_mask_summary() attaches.
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_SUMMARY_META_NAME "ClassMaskSummary"

GST_CLASS_MASK_API
const GstMetaInfo *gst_class_mask_summary_get_info (void);

GST_CLASS_MASK_API
GstCustomMeta *gst_buffer_add_class_mask_summary (
    GstBuffer *buffer, const GstClassMaskMeta *meta, const guint64 counts[256]);

G_END_DECLS
