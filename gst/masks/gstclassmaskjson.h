/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_CLASS_MASK_JSON (gst_class_mask_json_get_type ())
G_DECLARE_FINAL_TYPE (GstClassMaskJson, gst_class_mask_json, GST,
    CLASS_MASK_JSON, GstBaseTransform)
GST_ELEMENT_REGISTER_DECLARE (classmaskjson);

G_END_DECLS
