/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/properties.h"

using namespace fastscnn;

namespace
{

constexpr GParamFlags kPlaying =
    (GParamFlags)(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                  GST_PARAM_MUTABLE_PLAYING);
constexpr GParamFlags kControllable =
    (GParamFlags)(kPlaying | GST_PARAM_CONTROLLABLE);

GType
mode_get_type ()
{
  static const GEnumValue values[] = {
    { (int)PaintMode::kBlend, "The classes' colours, mixed into the frame",
        "blend" },
    { (int)PaintMode::kMask, "The classes' colours on background-color",
        "mask" },
    { (int)PaintMode::kContour, "Outlines of the classes", "contour" },
    { (int)PaintMode::kBlur, "The classes, blurred beyond recognition",
        "blur" },
    { (int)PaintMode::kPixelate, "The classes, in coarse squares", "pixelate" },
    { (int)PaintMode::kCutout, "background-color everywhere but in the classes",
        "cutout" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstClassMaskOverlayMode", values);
  return type;
}

GType
on_missing_get_type ()
{
  static const GEnumValue values[] = {
    { (int)OnMissing::kAuto,
        "cover-all in the modes blur and pixelate, pass "
        "in others",
        "auto" },
    { (int)OnMissing::kPass, "Leave the frame as it is", "pass" },
    { (int)OnMissing::kCoverAll,
        "Blur or pixelate the whole frame; in other modes fill it with "
        "background-color",
        "cover-all" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstClassMaskOverlayOnMissing", values);
  return type;
}

GType
legend_get_type ()
{
  static const GEnumValue values[] = {
    { (int)LegendCorner::kNone, "No legend", "none" },
    { (int)LegendCorner::kTopLeft, "Top left", "top-left" },
    { (int)LegendCorner::kTopRight, "Top right", "top-right" },
    { (int)LegendCorner::kBottomLeft, "Bottom left", "bottom-left" },
    { (int)LegendCorner::kBottomRight, "Bottom right", "bottom-right" },
    { 0, NULL, NULL },
  };
  static const GType type =
      g_enum_register_static ("GstClassMaskOverlayLegend", values);
  return type;
}

std::string
string_of (const GValue *value)
{
  const gchar *text = g_value_get_string (value);
  return text ? text : "";
}

} // namespace

void
gst_class_mask_overlay_install_properties (GObjectClass *klass)
{
  const OverlaySettings defaults;
  const auto install = [klass] (guint id, GParamSpec *spec) {
    g_object_class_install_property (klass, id, spec);
  };

  install (PROP_OVERLAY_MODE,
      g_param_spec_enum ("mode", "Mode", "How the classes are drawn",
          mode_get_type (), (int)defaults.mode, kPlaying));
  install (PROP_OVERLAY_ALPHA,
      g_param_spec_double ("alpha", "Alpha",
          "How strongly blend and contour draw, 0 to 1; contours are drawn "
          "twice as strongly",
          0.0, 1.0, defaults.alpha, kControllable));
  install (PROP_OVERLAY_CLASSES,
      g_param_spec_string ("classes", "Classes",
          "Labels of the classes to draw, separated by commas "
          "(car,pedestrian), or to hide (-road,-sky); empty = all",
          defaults.classes.c_str (), kPlaying));
  install (PROP_OVERLAY_CLASS_ALPHA,
      g_param_spec_string ("class-alpha", "Class alpha",
          "How strongly single classes are drawn instead of alpha "
          "(pedestrian=1.0,road=0.2)",
          defaults.class_alpha.c_str (), kPlaying));
  install (PROP_OVERLAY_PALETTE,
      g_param_spec_string ("palette", "Palette",
          "Colours: cityscapes, camvid, distinct, or a file: lines of "
          "'label r g b [a]', or a GIMP palette (.gpl); empty = the mask's own",
          defaults.palette.c_str (), kPlaying));
  install (PROP_OVERLAY_CONTOURS,
      g_param_spec_boolean ("contours", "Contours",
          "Also outline the classes in blend", defaults.contours, kPlaying));
  install (PROP_OVERLAY_CONTOUR_WIDTH,
      g_param_spec_uint ("contour-width", "Contour width",
          "Width of outlines in pixels", 1, kMaxContourWidth,
          defaults.contour_width, kPlaying));
  install (PROP_OVERLAY_FEATHER,
      g_param_spec_double ("feather", "Feather",
          "Pixels over which edges fade in blend, mask and cutout", 0.0,
          kMaxFeather, defaults.feather, kControllable));
  install (PROP_OVERLAY_BLUR_MARGIN,
      g_param_spec_double ("blur-margin", "Blur margin",
          "How far blur and pixelate reach beyond the mask, as a share of the "
          "frame height",
          0.0, 1.0, defaults.blur_margin, kPlaying));
  install (PROP_OVERLAY_ON_MISSING,
      g_param_spec_enum ("on-missing", "On missing",
          "What happens to a frame that has no mask, or too old a one",
          on_missing_get_type (), (int)defaults.on_missing, kPlaying));
  install (PROP_OVERLAY_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of the element whose mask is drawn; empty = the newest mask",
          defaults.source.c_str (), kPlaying));
  install (PROP_OVERLAY_LEGEND,
      g_param_spec_enum ("legend", "Legend",
          "Corner for a list of the classes in view: colour, label, share of "
          "the mask",
          legend_get_type (), (int)defaults.legend, kPlaying));
  install (PROP_OVERLAY_DRAW_UNKNOWN,
      g_param_spec_boolean ("draw-unknown", "Draw unknown",
          "Also draw pixels whose class is not known (255), in grey",
          defaults.draw_unknown, kPlaying));
  install (PROP_OVERLAY_BACKGROUND_COLOR,
      g_param_spec_uint ("background-color", "Background colour",
          "ARGB; what is not drawn in mask and cutout. Less than opaque lets "
          "the frame show through",
          0, G_MAXUINT32, defaults.background_color, kControllable));
  install (PROP_OVERLAY_MAX_AGE,
      g_param_spec_uint64 ("max-age", "Maximum age",
          "Nanoseconds after which a mask counts as missing (0 = never)", 0,
          G_MAXUINT64, defaults.max_age, kPlaying));

  for (GType type :
      { mode_get_type (), on_missing_get_type (), legend_get_type () })
    gst_type_mark_as_plugin_api (type, (GstPluginAPIFlags)0);
}

gboolean
gst_class_mask_overlay_set_setting (
    OverlaySettings &settings, guint id, const GValue *value)
{
  switch (id) {
  case PROP_OVERLAY_MODE:
    settings.mode = (PaintMode)g_value_get_enum (value);
    return TRUE;
  case PROP_OVERLAY_ALPHA:
    settings.alpha = g_value_get_double (value);
    return TRUE;
  case PROP_OVERLAY_CLASSES:
    settings.classes = string_of (value);
    return TRUE;
  case PROP_OVERLAY_CLASS_ALPHA:
    settings.class_alpha = string_of (value);
    return TRUE;
  case PROP_OVERLAY_PALETTE:
    settings.palette = string_of (value);
    return TRUE;
  case PROP_OVERLAY_CONTOURS:
    settings.contours = g_value_get_boolean (value);
    return TRUE;
  case PROP_OVERLAY_CONTOUR_WIDTH:
    settings.contour_width = g_value_get_uint (value);
    return TRUE;
  case PROP_OVERLAY_FEATHER:
    settings.feather = g_value_get_double (value);
    return TRUE;
  case PROP_OVERLAY_BLUR_MARGIN:
    settings.blur_margin = g_value_get_double (value);
    return TRUE;
  case PROP_OVERLAY_ON_MISSING:
    settings.on_missing = (OnMissing)g_value_get_enum (value);
    return TRUE;
  case PROP_OVERLAY_SOURCE:
    settings.source = string_of (value);
    return TRUE;
  case PROP_OVERLAY_LEGEND:
    settings.legend = (LegendCorner)g_value_get_enum (value);
    return TRUE;
  case PROP_OVERLAY_DRAW_UNKNOWN:
    settings.draw_unknown = g_value_get_boolean (value);
    return TRUE;
  case PROP_OVERLAY_BACKGROUND_COLOR:
    settings.background_color = g_value_get_uint (value);
    return TRUE;
  case PROP_OVERLAY_MAX_AGE:
    settings.max_age = g_value_get_uint64 (value);
    return TRUE;
  default:
    return FALSE;
  }
}

gboolean
gst_class_mask_overlay_get_setting (
    const OverlaySettings &settings, guint id, GValue *value)
{
  switch (id) {
  case PROP_OVERLAY_MODE:
    g_value_set_enum (value, (gint)settings.mode);
    return TRUE;
  case PROP_OVERLAY_ALPHA:
    g_value_set_double (value, settings.alpha);
    return TRUE;
  case PROP_OVERLAY_CLASSES:
    g_value_set_string (value, settings.classes.c_str ());
    return TRUE;
  case PROP_OVERLAY_CLASS_ALPHA:
    g_value_set_string (value, settings.class_alpha.c_str ());
    return TRUE;
  case PROP_OVERLAY_PALETTE:
    g_value_set_string (value, settings.palette.c_str ());
    return TRUE;
  case PROP_OVERLAY_CONTOURS:
    g_value_set_boolean (value, settings.contours);
    return TRUE;
  case PROP_OVERLAY_CONTOUR_WIDTH:
    g_value_set_uint (value, settings.contour_width);
    return TRUE;
  case PROP_OVERLAY_FEATHER:
    g_value_set_double (value, settings.feather);
    return TRUE;
  case PROP_OVERLAY_BLUR_MARGIN:
    g_value_set_double (value, settings.blur_margin);
    return TRUE;
  case PROP_OVERLAY_ON_MISSING:
    g_value_set_enum (value, (gint)settings.on_missing);
    return TRUE;
  case PROP_OVERLAY_SOURCE:
    g_value_set_string (value, settings.source.c_str ());
    return TRUE;
  case PROP_OVERLAY_LEGEND:
    g_value_set_enum (value, (gint)settings.legend);
    return TRUE;
  case PROP_OVERLAY_DRAW_UNKNOWN:
    g_value_set_boolean (value, settings.draw_unknown);
    return TRUE;
  case PROP_OVERLAY_BACKGROUND_COLOR:
    g_value_set_uint (value, settings.background_color);
    return TRUE;
  case PROP_OVERLAY_MAX_AGE:
    g_value_set_uint64 (value, settings.max_age);
    return TRUE;
  default:
    return FALSE;
  }
}
