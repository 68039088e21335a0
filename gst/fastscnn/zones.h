// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gst/classmask/classmask.h>

#include "net/engine.h"

namespace fastscnn
{

/// The zones of a stream. Prepares an engine to count the pixels in them, and
/// adds up its counts.
class Zones
{
public:
  /// Reads a file; no zones if its name is empty.
  static Result<Zones> open (const std::string &file);

  /// Null if there are none. Shared by all masks.
  const std::shared_ptr<GstClassMaskZones> &
  table () const
  {
    return table_;
  }

  /// Makes a configured engine count the pixels in the zones.
  Result<> configure (Engine &engine);

  /// A buffer for the counts of an engine: (areas, 256).
  uint32_t *
  counts ()
  {
    return counts_.data ();
  }

  /// Adds up the counts of the areas: mask: those of the whole mask; zones:
  /// those of each zone, (zones, 256).
  void add_up (guint64 mask[256], std::vector<guint64> &zones) const;

private:
  std::string file_;
  std::shared_ptr<GstClassMaskZones> table_;
  std::vector<uint32_t> counts_ = std::vector<uint32_t> (256);
  guint n_areas_ = 1;
  guint32 zones_of_area_[256] = {};
};

} // namespace fastscnn
