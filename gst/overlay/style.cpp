/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/overlay/style.h"

#include <gst/classmask/gstclassmaskmeta.h>

#include <algorithm>
#include <cmath>

namespace fastscnn
{
namespace
{

constexpr Rgba kUnknownColor = { 160, 160, 160, 255 };

uint8_t
to_alpha (double strength)
{
  return static_cast<uint8_t> (std::lround (strength * 255));
}

/// Whether `alpha` applies. In other modes a class is either drawn or not.
bool
uses_alpha (PaintMode mode)
{
  return mode == PaintMode::kBlend || mode == PaintMode::kContour;
}

/* Compares contents, too: some producers make a new table for every frame. */
bool
same_classes (const GstClassMaskClasses *a, const GstClassMaskClasses *b)
{
  if (a == b)
    return true;
  if (!a || !b)
    return false;
  const guint size = gst_class_mask_classes_get_size (a);
  if (gst_class_mask_classes_get_size (b) != size)
    return false;
  for (guint id = 0; id < size; id++)
    if (g_strcmp0 (gst_class_mask_classes_get_label (a, id),
            gst_class_mask_classes_get_label (b, id)) != 0 ||
        gst_class_mask_classes_get_color (a, id) !=
            gst_class_mask_classes_get_color (b, id))
      return false;
  const gchar *label_a = NULL, *label_b = NULL, *alias;
  guint i = 0;
  do {
    alias = gst_class_mask_classes_get_alias (a, i, &label_a);
    if (g_strcmp0 (alias, gst_class_mask_classes_get_alias (b, i, &label_b)) ||
        g_strcmp0 (label_a, label_b))
      return false;
    i++;
  } while (alias);
  return true;
}

} // namespace

OverlayStyle::~OverlayStyle ()
{
  if (classes_)
    gst_class_mask_classes_unref (classes_);
}

void
OverlayStyle::read_classes (GstClassMaskClasses *classes)
{
  if (classes_)
    gst_class_mask_classes_unref (classes_);
  classes_ = gst_class_mask_classes_ref (classes);
  names_ = ClassNames ();
  const guint size = std::min<guint> (
      gst_class_mask_classes_get_size (classes), GST_CLASS_MASK_MAX_CLASSES);
  for (guint id = 0; id < size; id++)
    names_.labels.push_back (gst_class_mask_classes_get_label (classes, id));
  const gchar *label;
  for (guint i = 0; const gchar *alias =
                        gst_class_mask_classes_get_alias (classes, i, &label);
       i++)
    names_.aliases.emplace_back (alias, label);
}

void
OverlayStyle::read_lists (
    const OverlaySettings &settings, std::vector<std::string> *warnings)
{
  list_ = settings.classes;
  alpha_list_ = settings.class_alpha;
  palette_ = settings.colors;
  const size_t before = warnings->size ();
  drawn_ = parse_classes (list_, names_, warnings);
  strengths_ = parse_class_alpha (alpha_list_, names_, warnings);
  mistaken_ = warnings->size () > before;
  if (mistaken_ && privacy_)
    warnings->back () += " Until then the whole frame is covered.";
  colors_.clear ();
  for (size_t id = 0; id < names_.labels.size (); id++) {
    const guint32 rgb =
        gst_class_mask_classes_get_color (classes_, static_cast<guint> (id));
    colors_.push_back ({ from_argb (0xff000000u | rgb), false });
  }
  palette_->apply (names_, &colors_);
}

void
OverlayStyle::update (const OverlaySettings &settings,
    GstClassMaskClasses *classes, bool background,
    std::vector<std::string> *warnings)
{
  const bool other_classes = !same_classes (classes, classes_);
  const bool other_privacy = settings.protects_privacy () != privacy_;
  if (other_classes)
    read_classes (classes);
  privacy_ = settings.protects_privacy ();
  if (other_classes || (other_privacy && mistaken_) ||
      settings.classes != list_ || settings.class_alpha != alpha_list_ ||
      settings.colors != palette_)
    read_lists (settings, warnings);

  paint_.mode = settings.mode;
  paint_.background = from_argb (settings.background_color);
  paint_.contours = settings.contours;
  paint_.contour_width = static_cast<int> (settings.contour_width);
  paint_.feather = static_cast<float> (settings.feather);
  paint_.margin = static_cast<float> (settings.blur_margin);
  paint_.cover_all = false;
  choose_colors (settings, background);
  choose_ranks ();
}

void
OverlayStyle::choose_colors (const OverlaySettings &settings, bool background)
{
  const double alpha = uses_alpha (settings.mode) ? settings.alpha : 1.0;
  std::fill (std::begin (paint_.color), std::end (paint_.color), Rgba ());
  for (size_t id = 0; id < names_.labels.size (); id++) {
    if (!drawn_[id])
      continue;
    Rgba &color = paint_.color[id];
    color = colors_[id].color;
    if (strengths_[id] >= 0)
      color.a = to_alpha (strengths_[id]);
    else if (!colors_[id].has_alpha)
      color.a = to_alpha (alpha);
  }
  if (settings.draw_unknown) {
    paint_.color[GST_CLASS_MASK_UNKNOWN] = kUnknownColor;
    paint_.color[GST_CLASS_MASK_UNKNOWN].a = to_alpha (alpha);
  }
  /* People may be where the class is unknown. */
  if (privacy_ && !background)
    for (size_t id = names_.labels.size (); id < 256; id++)
      if (id != kOutside)
        paint_.color[id] = kUnknownColor;
}

/* Known classes rank above unknown values; to protect privacy, values that are
 * drawn rank above others. */
void
OverlayStyle::choose_ranks ()
{
  for (size_t id = 0; id < 256; id++) {
    const bool known = id < names_.labels.size ();
    if (privacy_)
      rank_[id] = paint_.color[id].a > 0 ? 2 : 1;
    else
      rank_[id] = known ? 2 : 1;
  }
  rank_[kOutside] = 0;
}

} // namespace fastscnn
