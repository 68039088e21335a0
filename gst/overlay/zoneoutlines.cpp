// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/zoneoutlines.h"

#include <algorithm>

#include "gst/masks/distinctcolors.h"
#include "gst/overlay/palette.h"

namespace fastscnn
{
namespace
{

constexpr size_t kMostMade = 16; // enough for the masks of a camera mosaic

int
lowest_zone (guint32 zones)
{
  return __builtin_ctz (zones);
}

} // namespace

ZoneOutlines::~ZoneOutlines ()
{
  clear ();
}

void
ZoneOutlines::clear ()
{
  for (const Areas &areas : made_)
    gst_class_mask_zones_unref (areas.zones);
  made_.clear ();
}

/* Null if the mask has no zones. */
const ZoneOutlines::Areas *
ZoneOutlines::areas_of (const GstClassMaskMeta *meta)
{
  GstClassMaskZones *zones = gst_class_mask_meta_get_zones (meta);
  const int width = std::min<int> (meta->width, GST_CLASS_MASK_MAX_SIZE);
  const int height = std::min<int> (meta->height, GST_CLASS_MASK_MAX_SIZE);
  const auto made =
      std::find_if (made_.begin (), made_.end (), [&] (const Areas &areas) {
        return areas.zones == zones && areas.width == width &&
               areas.height == height;
      });
  if (made != made_.end () || !zones)
    return zones ? &*made : nullptr;

  guint32 zones_of_area[256];
  guint n;
  GBytes *bytes =
      gst_class_mask_zones_get_areas (zones, width, height, zones_of_area, &n);
  if (!bytes)
    return nullptr;
  if (made_.size () == kMostMade)
    clear ();
  Areas areas;
  areas.zones = gst_class_mask_zones_ref (zones);
  areas.width = width;
  areas.height = height;
  const auto *begin =
      static_cast<const uint8_t *> (g_bytes_get_data (bytes, NULL));
  areas.ids.assign (begin, begin + g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
  /* The painter draws no value from kOutside on. */
  for (uint8_t &id : areas.ids)
    id = std::min<uint8_t> (id, kOutside - 1);

  const std::vector<uint32_t> colors =
      distinct_colors (gst_class_mask_zones_get_size (zones));
  areas.style.mode = PaintMode::kContour;
  for (guint area = 1; area < std::min<guint> (n, kOutside); area++)
    areas.style.color[area] =
        from_argb (0xff000000u | colors[lowest_zone (zones_of_area[area])]);
  made_.push_back (std::move (areas));
  return &made_.back ();
}

Result<>
ZoneOutlines::paint (Painter &painter, const Masks &masks, const Frame &dst,
    const Rect &part, unsigned width, Queue queue)
{
  for (const GstClassMaskMeta *meta : masks) {
    const Areas *areas = areas_of (meta);
    if (!areas)
      continue;
    PaintStyle style = areas->style;
    style.contour_width = static_cast<int> (width);
    PaintMask mask;
    mask.ids = areas->ids.data ();
    mask.stride = mask.width = areas->width;
    mask.height = areas->height;
    mask.x = meta->x - part.x;
    mask.y = meta->y - part.y;
    mask.covers_width = static_cast<int> (meta->width);
    mask.covers_height = static_cast<int> (meta->height);
    FASTSCNN_TRY (painter.paint (dst, mask, style, queue));
  }
  return {};
}

} // namespace fastscnn
