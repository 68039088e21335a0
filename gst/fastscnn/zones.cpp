// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/zones.h"

#include <algorithm>

#include "net/zonefile.h"

namespace fastscnn
{

Result<Zones>
Zones::open (const std::string &file)
{
  Zones zones;

  if (file.empty ())
    return zones;
  zones.file_ = file;
  zones.table_ = { gst_class_mask_zones_new (), gst_class_mask_zones_unref };
  const std::vector<ZonePolygon> polygons =
      FASTSCNN_TRY (read_zone_file (file));
  for (const ZonePolygon &polygon : polygons)
    gst_class_mask_zones_add_polygon (zones.table_.get (),
        polygon.zone.c_str (), polygon.points.data (),
        polygon.points.size () / 2);
  return zones;
}

Result<>
Zones::configure (Engine &engine)
{
  if (!table_)
    return {};
  const std::unique_ptr<GBytes, void (*) (GBytes *)> areas (
      gst_class_mask_zones_get_areas (table_.get (), engine.mask_width (),
          engine.mask_height (), zones_of_area_, &n_areas_),
      g_bytes_unref);
  if (!areas)
    return model_error (
        "The zones in " + file_ + " overlap in more than 256 ways; use fewer.");
  counts_.resize (256 * n_areas_);
  return engine.set_areas (
      static_cast<const uint8_t *> (g_bytes_get_data (areas.get (), NULL)),
      static_cast<int> (n_areas_));
}

void
Zones::add_up (guint64 mask[256], std::vector<guint64> &zones) const
{
  const guint n = table_ ? gst_class_mask_zones_get_size (table_.get ()) : 0;

  std::fill_n (mask, 256, guint64{ 0 });
  zones.assign (256 * n, 0);
  for (guint area = 0; area < n_areas_; area++)
    for (guint id = 0; id < 256; id++) {
      const uint32_t pixels = counts_[area * 256 + id];
      mask[id] += pixels;
      for (guint zone = 0; zone < n; zone++)
        if (zones_of_area_[area] >> zone & 1)
          zones[zone * 256 + id] += pixels;
    }
}

} // namespace fastscnn
