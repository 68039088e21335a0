// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/zonefile.h"

#include <cstdio>
#include <filesystem>
#include <memory>

#include "net/json.h"

namespace fastscnn {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

bool is_polygon(const json &value) {
  return value.is_array() && !value.empty() && value[0].is_array() &&
         !value[0].empty() && !value[0][0].is_array();
}

/// Appends a point; returns whether it is one.
bool read_point(const json &point, std::vector<double> *points) {
  if (!point.is_array() || point.size() != 2) return false;
  for (const json &share : point) {
    if (!share.is_number()) return false;
    points->push_back(share.get<double>());
    if (!(points->back() >= 0 && points->back() <= 1)) return false;
  }
  return true;
}

/// Reads the polygons of one zone; returns what is wrong with it, or "".
std::string read_zone(const std::string &zone, const json &value,
                      std::vector<ZonePolygon> *polygons) {
  const json list = is_polygon(value) ? json::array({value}) : value;
  if (!list.is_array() || list.empty())
    return "has no polygon; give it a list of points [x, y]";
  for (const json &polygon : list) {
    ZonePolygon read;
    read.zone = zone;
    if (!polygon.is_array())
      return "has " + to_text(polygon) + " where a polygon should be";
    for (const json &point : polygon)
      if (!read_point(point, &read.points))
        return "has the point " + to_text(point) +
               ", which is not [x, y] in fractions of the frame from 0 to 1";
    if (read.points.size() < 6)
      return "has a polygon of " + std::to_string(read.points.size() / 2) +
             " points; it needs at least 3";
    polygons->push_back(std::move(read));
  }
  return "";
}

Error unusable(const std::string &name, const std::string &why) {
  return model_error("The zones in " + to_text(name) +
                     " cannot be used: " + why + ".");
}

}  // namespace

Result<std::vector<ZonePolygon>> parse_zones(const std::string &text,
                                             const std::string &name) {
  std::vector<ZonePolygon> polygons;
  const Result<json> parsed = parse_json(text.data(), text.size(), "the file");
  if (!parsed) return unusable(name, parsed.error().sentence);
  if (!parsed->is_object() || parsed->empty())
    return unusable(name, "the file is not an object of names and polygons");
  if (parsed->size() > kMaxZones)
    return unusable(name, "there are " + std::to_string(parsed->size()) +
                              "; up to " + std::to_string(kMaxZones) +
                              " are possible");
  for (const auto &[zone, value] : parsed->items()) {
    if (zone.empty()) return unusable(name, "a zone has an empty name");
    const std::string fault = read_zone(zone, value, &polygons);
    if (!fault.empty())
      return unusable(name, "zone " + to_text(zone) + " " + fault);
  }
  return polygons;
}

Result<std::vector<ZonePolygon>> read_zone_file(const std::string &path) {
  std::error_code unknown;
  const bool regular = std::filesystem::is_regular_file(path, unknown);
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
      regular ? std::fopen(path.c_str(), "rbe") : nullptr, std::fclose);
  std::string text(kMaxFileBytes + 1, '\0');
  if (!file) return unusable(path, "it is not a readable file");
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) return unusable(path, "it cannot be read");
  if (text.size() > kMaxFileBytes)
    return unusable(path, "it is larger than 1 MB");
  return parse_zones(text, path);
}

}  // namespace fastscnn
