/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/maskoutput.h"

#include <gst/classmask/gstclassmasksummary.h>

using namespace fastscnn;

GstClassMaskMeta *
gst_fast_scnn_attach_mask (GstBuffer *buffer, const Segmentation &mask,
    GstClockTime age, GQuark source)
{
  const Rect &part = mask.part;
  GstClassMaskMeta *meta =
      gst_buffer_add_class_mask_meta (buffer, gst_buffer_ref (mask.mask.get ()),
          mask.model->classes, part.x, part.y, part.width, part.height);

  meta->age = age;
  meta->source = source;
  if (mask.confidence)
    gst_class_mask_meta_set_confidence (
        meta, gst_buffer_ref (mask.confidence.get ()));
  gst_buffer_add_class_mask_summary (buffer, meta, mask.pixels);
  return meta;
}
