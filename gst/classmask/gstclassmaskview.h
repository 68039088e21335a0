/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

#define GST_TYPE_CLASS_MASK_VIEW (gst_class_mask_view_get_type ())

/**
 * GstClassMaskView:
 * @pixels: the first byte of the first row
 * @stride: the bytes from one row to the next
 * @width: the pixels in a row, one byte each
 * @height: the number of rows
 *
 * The pixels of a mask, or of its confidence, mapped for reading. They stay
 * valid and unchanged until the last reference to the view is dropped, even if
 * the video frame and its meta are freed.
 *
 * Since: 0.1
 */
typedef struct _GstClassMaskView GstClassMaskView;

struct _GstClassMaskView {
  gconstpointer pixels;
  gsize stride;
  guint width;
  guint height;
};

GST_CLASS_MASK_API
GType gst_class_mask_view_get_type (void);

GST_CLASS_MASK_API
GstClassMaskView *gst_class_mask_meta_view (const GstClassMaskMeta *meta);

GST_CLASS_MASK_API
GstClassMaskView *gst_class_mask_meta_view_confidence (
    const GstClassMaskMeta *meta);

GST_CLASS_MASK_API
GstClassMaskView *gst_class_mask_view_ref (GstClassMaskView *view);

GST_CLASS_MASK_API
void gst_class_mask_view_unref (GstClassMaskView *view);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstClassMaskView, gst_class_mask_view_unref)

G_END_DECLS
