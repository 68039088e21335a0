/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CLASS_MASK_EXTRACT (gst_class_mask_extract_get_type ())
G_DECLARE_FINAL_TYPE (GstClassMaskExtract, gst_class_mask_extract, GST,
    CLASS_MASK_EXTRACT, GstElement)
GST_ELEMENT_REGISTER_DECLARE (classmaskextract);

G_END_DECLS
