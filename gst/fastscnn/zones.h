// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gst/classmask/classmask.h>

#include "net/engine.h"

namespace fastscnn
{

/// The zones of a stream: what an engine needs to count in them, and what
/// becomes of its counts.
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

  /// Makes a configured engine count in them.
  Result<> configure (Engine &engine);

  /// Room for the counts of an engine: (areas, 256).
  uint32_t *
  counts ()
  {
    return counts_.data ();
  }

  /// Adds the counts up: those of the mask, and (zones, 256) those of the
  /// zones.
  void add_up (guint64 mask[256], std::vector<guint64> &zones) const;

private:
  std::string file_;
  std::shared_ptr<GstClassMaskZones> table_;
  std::vector<uint32_t> counts_ = std::vector<uint32_t> (256);
  guint n_areas_ = 1;
  guint32 zones_of_area_[256] = {};
};

} // namespace fastscnn
