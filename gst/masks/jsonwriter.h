// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include <gst/classmask/classmask.h>

#include "gst/masks/cocorle.h"

namespace fastscnn
{

/// Writes masks as lines of JSON, as described by classmaskjson.schema.json.
class JsonWriter
{
public:
  struct Options {
    bool rle = false;
    bool regions = false;
    bool wall_clock = true; ///< write it if the frame has no time of day
    unsigned min_area = 0;  ///< of regions, in pixels of the mask
  };

  /// Returns the line with its line break, valid until the next call, or an
  /// empty string if the mask cannot be read. meta: a mask of frame.
  /// running_time may be GST_CLOCK_TIME_NONE.
  /// invalid: the number of pixels whose id is outside the class table; the
  /// line counts them as unknown.
  const std::string &write (GstBuffer *frame, const GstClassMaskMeta &meta,
      GstClockTime running_time, const Options &options, uint64_t &invalid);

private:
  std::string line_;
  CocoRle rle_;
};

} // namespace fastscnn
