/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/masks/extractsettings.h"

using namespace fastscnn;

GType
gst_class_mask_extract_on_missing_get_type ()
{
  static const GEnumValue values[] = {
    { (int)OnMissing::kSkip, "Push nothing for this frame", "skip" },
    { (int)OnMissing::kRepeat, "Push the last mask again", "repeat" },
    { (int)OnMissing::kBlank, "Push a mask without any class", "blank" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstClassMaskExtractOnMissing", values);
  return type;
}
