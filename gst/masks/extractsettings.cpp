/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/masks/extractsettings.h"

using namespace fastscnn;

static GType
get_on_missing_type ()
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

void
gst_class_mask_extract_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags =
      (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                    GST_PARAM_MUTABLE_PLAYING);

  g_object_class_install_property (object_class, PROP_SCALE_TO_FRAME,
      g_param_spec_boolean ("scale-to-frame", "Scale to frame",
          "Scale masks to the size of the frame (nearest neighbour)", FALSE,
          flags));
  g_object_class_install_property (object_class, PROP_ON_MISSING,
      g_param_spec_enum ("on-missing", "On missing",
          "What to push for a frame without a mask", get_on_missing_type (),
          (gint)OnMissing::kSkip, flags));
  g_object_class_install_property (object_class, PROP_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of the element whose masks to push (empty = the newest mask of "
          "a frame)",
          "", flags));
  gst_type_mark_as_plugin_api (get_on_missing_type (), (GstPluginAPIFlags)0);
}
