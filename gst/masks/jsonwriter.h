// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

#include <gst/classmask/classmask.h>

#include "gst/masks/cocorle.h"

namespace fastscnn
{

/// Writes masks as JSON, one line each, as classmaskjson.schema.json describes.
class MaskText
{
public:
  struct Options {
    bool rle = false;
    bool regions = false;
    unsigned min_area = 0; ///< of regions, in pixels of the mask
  };

  /// The line, with its line break; valid until the next call. Empty if the
  /// mask cannot be read. Times may be GST_CLOCK_TIME_NONE. stray: how many
  /// pixels have a value that is no class of the mask; they count as unknown.
  const std::string &write (const GstClassMaskMeta &meta, GstClockTime pts,
      GstClockTime running_time, const Options &options, uint64_t &stray);

private:
  std::string line_;
  CocoRle rle_;
};

} // namespace fastscnn
