/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/properties.h"

#include "gst/base/settingvalue.h"

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
    { (int)PaintMode::kBlend,
        "The colours of the classes, blended into the frame", "blend" },
    { (int)PaintMode::kMask, "The colours of the classes on background-color",
        "mask" },
    { (int)PaintMode::kContour, "Outlines of the classes", "contour" },
    { (int)PaintMode::kBlur, "The classes, blurred beyond recognition",
        "blur" },
    { (int)PaintMode::kPixelate, "The classes, in coarse squares", "pixelate" },
    { (int)PaintMode::kCutout,
        "background-color everywhere outside the classes", "cutout" },
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
        "cover-all in the modes blur and pixelate, otherwise pass", "auto" },
    { (int)OnMissing::kPass, "Leave the frame unchanged", "pass" },
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

/* Calls visit() with the setting of a property; FALSE if there is none. */
template <typename AnySettings, typename Visit>
gboolean
visit_setting (AnySettings &settings, guint id, const Visit &visit)
{
  switch (id) {
  case PROP_OVERLAY_MODE:
    return visit (settings.mode);
  case PROP_OVERLAY_ALPHA:
    return visit (settings.alpha);
  case PROP_OVERLAY_CLASSES:
    return visit (settings.classes);
  case PROP_OVERLAY_CLASS_ALPHA:
    return visit (settings.class_alpha);
  case PROP_OVERLAY_PALETTE:
    return visit (settings.palette);
  case PROP_OVERLAY_CONTOURS:
    return visit (settings.contours);
  case PROP_OVERLAY_CONTOUR_WIDTH:
    return visit (settings.contour_width);
  case PROP_OVERLAY_FEATHER:
    return visit (settings.feather);
  case PROP_OVERLAY_BLUR_MARGIN:
    return visit (settings.blur_margin);
  case PROP_OVERLAY_ON_MISSING:
    return visit (settings.on_missing);
  case PROP_OVERLAY_SOURCE:
    return visit (settings.source);
  case PROP_OVERLAY_LEGEND:
    return visit (settings.legend);
  case PROP_OVERLAY_DRAW_UNKNOWN:
    return visit (settings.draw_unknown);
  case PROP_OVERLAY_BACKGROUND_COLOR:
    return visit (settings.background_color);
  case PROP_OVERLAY_MAX_AGE:
    return visit (settings.max_age);
  case PROP_OVERLAY_ZONES:
    return visit (settings.zones);
  default:
    return FALSE;
  }
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
          "Opacity of blend and contour; outlines are twice as opaque", 0.0,
          1.0, defaults.alpha, kControllable));
  install (PROP_OVERLAY_CLASSES, g_param_spec_string ("classes", "Classes",
                                     "Comma-separated labels of the classes to "
                                     "draw (car,pedestrian) or to "
                                     "hide (-road,-sky); empty = draw all",
                                     defaults.classes.c_str (), kPlaying));
  install (PROP_OVERLAY_CLASS_ALPHA,
      g_param_spec_string ("class-alpha", "Class alpha",
          "Opacity of single classes, overriding alpha "
          "(pedestrian=1.0,road=0.2)",
          defaults.class_alpha.c_str (), kPlaying));
  install (PROP_OVERLAY_PALETTE,
      g_param_spec_string ("palette", "Palette",
          "Colours: cityscapes, camvid, distinct, or a file with lines of "
          "'label r g b [a]' or a GIMP palette (.gpl); empty = the colours of "
          "the "
          "mask",
          defaults.palette.c_str (), kPlaying));
  install (PROP_OVERLAY_CONTOURS,
      g_param_spec_boolean ("contours", "Contours",
          "Also draw outlines in blend", defaults.contours, kPlaying));
  install (PROP_OVERLAY_CONTOUR_WIDTH,
      g_param_spec_uint ("contour-width", "Contour width",
          "Width of outlines in pixels", 1, kMaxContourWidth,
          defaults.contour_width, kPlaying));
  install (PROP_OVERLAY_FEATHER,
      g_param_spec_double ("feather", "Feather",
          "Width in pixels over which edges fade in blend, mask and cutout",
          0.0, kMaxFeather, defaults.feather, kControllable));
  install (PROP_OVERLAY_BLUR_MARGIN,
      g_param_spec_double ("blur-margin", "Blur margin",
          "How far blur and pixelate reach beyond the mask, as a fraction of "
          "the frame height",
          0.0, 1.0, defaults.blur_margin, kPlaying));
  install (PROP_OVERLAY_ON_MISSING,
      g_param_spec_enum ("on-missing", "On missing",
          "What to do with a frame that has no mask, or only one older than "
          "max-age",
          on_missing_get_type (), (int)defaults.on_missing, kPlaying));
  install (PROP_OVERLAY_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of the element whose masks to draw (empty = any element)",
          defaults.source.c_str (), kPlaying));
  install (PROP_OVERLAY_LEGEND,
      g_param_spec_enum ("legend", "Legend",
          "Corner in which to list the classes in view: colour, label, "
          "percentage of the mask",
          legend_get_type (), (int)defaults.legend, kPlaying));
  install (PROP_OVERLAY_DRAW_UNKNOWN,
      g_param_spec_boolean ("draw-unknown", "Draw unknown",
          "Draw pixels whose class is unknown (255), in grey",
          defaults.draw_unknown, kPlaying));
  install (PROP_OVERLAY_BACKGROUND_COLOR,
      g_param_spec_uint ("background-color", "Background colour",
          "ARGB colour of the background in mask and cutout; the frame shows "
          "through if it is not opaque",
          0, G_MAXUINT32, defaults.background_color, kControllable));
  install (PROP_OVERLAY_MAX_AGE,
      g_param_spec_uint64 ("max-age", "Maximum age",
          "Age in nanoseconds above which a mask counts as missing (0 = never)",
          0, G_MAXUINT64, defaults.max_age, kPlaying));
  install (PROP_OVERLAY_ZONES,
      g_param_spec_boolean ("zones", "Zones",
          "Outline the zones of the masks (fastscnn zones=FILE), contour-width "
          "pixels wide",
          defaults.zones, kPlaying));

  for (GType type :
      { mode_get_type (), on_missing_get_type (), legend_get_type () })
    gst_type_mark_as_plugin_api (type, (GstPluginAPIFlags)0);
}

gboolean
gst_class_mask_overlay_set_setting (
    OverlaySettings &settings, guint id, const GValue *value)
{
  return visit_setting (settings, id, [value] (auto &setting) {
    read_value (value, setting);
    return TRUE;
  });
}

gboolean
gst_class_mask_overlay_get_setting (
    const OverlaySettings &settings, guint id, GValue *value)
{
  return visit_setting (settings, id, [value] (const auto &setting) {
    write_value (setting, value);
    return TRUE;
  });
}
