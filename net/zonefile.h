// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// A polygon of a zone, a named part of the frame.
struct ZonePolygon {
  std::string zone;
  std::vector<double> points;  ///< x and y of each, as fractions of the frame
};

/// Reads a JSON file of zones: an object with, for each name, a polygon or a
/// list of polygons; a polygon is a list of at least 3 points [x, y] from 0 to
/// 1. An Error names the file, the zone and what is wrong with it.
Result<std::vector<ZonePolygon>> read_zone_file(const std::string &path);

/// Parses the text of such a file, which messages call `name`.
Result<std::vector<ZonePolygon>> parse_zones(const std::string &text,
                                             const std::string &name);

constexpr size_t kMaxZones = 32;

}  // namespace fastscnn
