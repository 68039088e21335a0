// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>

namespace fastscnn
{

/// Encodes each class of a mask as a compressed COCO run-length encoding:
/// alternating lengths of runs outside and inside the class, column by column.
/// Reuses its memory from mask to mask.
class CocoRle
{
public:
  /// Allocates only if a string becomes longer than ever before.
  void encode (const uint8_t *ids, int stride, int width, int height);

  /// The string of a class in the mask encoded last; empty if the class does
  /// not occur. Characters are '0' to 'o': backslashes, but no quotes.
  const std::string &
  counts (int id) const
  {
    return classes_[id].counts;
  }

private:
  struct Class {
    std::string counts;
    int64_t end = 0;          // of the last run inside
    int64_t written = 0;      // number of runs
    int64_t previous[2] = {}; // the last run and the one before
  };

  static void append (Class &encoded, int64_t run);
  void add_run (int id, int64_t begin, int64_t end);

  Class classes_[256];
};

} // namespace fastscnn
