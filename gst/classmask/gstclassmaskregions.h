/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

/**
 * GstClassMaskRegion:
 * @class_id: the class of the pixels
 * @x: left edge of the bounding box, in pixels of the mask
 * @y: top edge of the bounding box
 * @width: width of the bounding box
 * @height: height of the bounding box
 * @area: the number of pixels
 *
 * A connected region: pixels of one class that touch at edges or corners.
 *
 * Since: 0.1
 */
typedef struct _GstClassMaskRegion GstClassMaskRegion;

struct _GstClassMaskRegion {
  guint class_id;
  guint x;
  guint y;
  guint width;
  guint height;
  guint area;
};

GST_CLASS_MASK_API
GArray *gst_class_mask_meta_get_regions (
    const GstClassMaskMeta *meta, guint min_area);

G_END_DECLS
