// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/framemasks.h"

#include <algorithm>

namespace fastscnn
{

std::vector<Rect>
placements (const GstClassMaskMeta *meta)
{
  std::vector<Rect> places;
  gint x, y;
  guint width, height;

  while (gst_class_mask_meta_get_placement (
      meta, places.size (), &x, &y, &width, &height))
    places.push_back ({ x, y, (int)width, (int)height });
  return places;
}

bool
covers (const GstClassMaskMeta *meta, const Rect &part)
{
  const std::vector<Rect> places = placements (meta);
  const Rect &place = places[0];

  return places.size () == 1 && place.x <= part.x && place.y <= part.y &&
         place.x + place.width >= part.x + part.width &&
         place.y + place.height >= part.y + part.height;
}

Masks
find_masks (GstBuffer *buffer, const std::string &source, GstClockTime max_age,
    bool supersede)
{
  const GQuark quark = g_quark_try_string (source.c_str ());
  Masks masks;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_CLASS_MASK_META_API_TYPE))) {
    const auto *mask = (const GstClassMaskMeta *)meta;
    if (mask->width == 0 || mask->height == 0 ||
        (!source.empty () && mask->source != quark) ||
        (max_age && mask->age > max_age))
      continue;
    const auto superseded = [mask] (const GstClassMaskMeta *older) {
      return covers (
          mask, { older->x, older->y, (int)older->width, (int)older->height });
    };
    if (supersede)
      masks.erase (std::remove_if (masks.begin (), masks.end (), superseded),
          masks.end ());
    masks.insert (masks.begin (), mask);
  }
  return masks;
}

} // namespace fastscnn
