/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "gst/fastscnn/paint.h"

namespace fastscnn
{

/// Finds the outlines of regions: pixels that have one of another value within
/// a distance.
class Outliner
{
public:
  void configure (int frame_width, int frame_height);

  /// The values of pixels on an outline; all others are kOutside. Valid until
  /// the next call. width: 1..kMaxContourWidth.
  Values outline (const Values &values, int width);

private:
  /// Smallest and largest value so far of the discs around a row's pixels.
  struct Extremes {
    uint8_t *low, *high;
  };

  void prepare (int width);
  Extremes extremes (int y);
  void spread (const uint8_t *row, int y, int columns, const Bounds &part);
  void finish (const Values &values, int y);

  int width_ = 0, height_ = 0;
  int radius_ = 0;
  Bounds part_;                            // where outlines_ may hold any
  std::vector<std::vector<int> > rows_of_; // by half width of the disc there
  std::vector<uint8_t> ring_;              // extremes of 2 * radius + 1 rows
  std::vector<uint8_t> window_;            // horizontal extremes of a row
  std::vector<uint8_t> outlines_;
};

} // namespace fastscnn
