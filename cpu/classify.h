// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/taps.h"

namespace fastscnn {

/// Logits on their grid: (height, classes, pitch), so that neighbours of a
/// class lie side by side.
struct Logits {
  const float *data = nullptr;
  int classes = 0;
  int width = 0;
  int height = 0;
  int pitch = 0;
};

/// Bilinear interpolation of logits to the size of a mask and the class of
/// each pixel in one pass, row by row.
class Classify {
 public:
  /// Of grids of this kind; the data may change.
  Classify(const Logits &grid, int width, int height, bool align_corners);

  /// Floats of scratch memory that row() needs.
  size_t scratch_size() const { return scratch_size_; }

  /// Row y of the mask: ids (width), confidence (nullable, width); see
  /// net/engine.h.
  void row(const float *logits, int y, float threshold, float *scratch,
           uint8_t *ids, uint8_t *confidence) const;

  struct Columns {
    std::vector<int32_t> first, second;
    std::vector<float> weight;
    /// The neighbours of a vector of outputs side by side lie so close that one
    /// vector holds them.
    bool close;
  };

 private:
  Logits grid_;
  int width_;
  size_t scratch_size_;
  std::vector<Tap> rows_;
  Columns columns_;
};

}  // namespace fastscnn
