// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/taps.h"

namespace fastscnn {

/// A grid of logits: (height, classes, pitch); the first `width` floats of each
/// row of a class are valid.
struct Logits {
  const float *data = nullptr;
  int classes = 0;
  int width = 0;
  int height = 0;
  int pitch = 0;
};

/// Interpolates logits to the size of a mask and finds the class of each pixel,
/// in one pass, row by row.
class Classify {
 public:
  /// For grids of this shape; grid.data is not used.
  Classify(const Logits &grid, int width, int height, bool align_corners);

  /// Floats of scratch memory for row() and prefilter().
  size_t scratch_size() const { return scratch_size_; }

  /// Marks the points in row y of the grid that have a clear winner: a class
  /// whose lead exceeds all rounding errors. A pixel between points with the
  /// same winner has that class, too, so row() need not interpolate there.
  void prefilter(const float *logits, int y, float *scratch);

  /// Computes row y of the mask: ids (width), confidence (nullable, width); see
  /// net/engine.h. prefiltered: prefilter() was called for all rows of these
  /// logits; gives the same result faster.
  void row(const float *logits, int y, float threshold, bool prefiltered,
           float *scratch, uint8_t *ids, uint8_t *confidence) const;

  struct Columns {
    std::vector<int32_t> first, second;
    std::vector<float> weight;
    /// One vector holds all inputs of any vector of outputs.
    bool in_one_vector;
  };

  /// The two rows of the grid that a row of the mask lies between.
  struct RowPair {
    const float *top, *bottom;
    float weight;  // of bottom
    int classes, pitch;
    const uint8_t *winners;  // (width): of both rows, or kUnknown; null: unused
  };

 private:
  Logits grid_;
  int width_;
  size_t scratch_size_;
  std::vector<Tap> rows_;
  Columns columns_;
  std::vector<uint8_t> winners_;  // (height, width) of the grid, or kUnknown
  std::vector<float> peaks_;      // largest magnitude in each row
};

}  // namespace fastscnn
