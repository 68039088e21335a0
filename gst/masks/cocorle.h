// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace fastscnn
{

/// The regions of all classes of a mask, each as the compressed string of
/// COCO's run-length encoding: lengths of runs outside and inside of the
/// region in turn, column by column. Keeps its memory from mask to mask.
class CocoRle
{
public:
  /// Allocates only where a string has to become longer than ever before.
  void encode (const uint8_t *ids, int stride, int width, int height);

  /// The string of a class that occurs in the mask that was encoded last;
  /// empty for others. '0' to 'o', so it contains backslashes, but no quotes.
  const std::string &
  counts (int id) const
  {
    return regions_[id].counts;
  }

private:
  struct Region {
    std::string counts;
    int64_t end = 0;          // of the last run inside
    int64_t written = 0;      // runs
    int64_t previous[2] = {}; // the last run and the one before
  };

  static void append (Region &region, int64_t run);
  void add_run (int id, int64_t begin, int64_t end);

  Region regions_[256];
};

} // namespace fastscnn
