// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/taps.h"

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

  /// Floats of scratch memory that row() and survey() need.
  size_t scratch_size() const { return scratch_size_; }

  /// Finds the points in row y of the grid where one class leads clearly. What
  /// row() may know of all rows before it is first called for a mask: where
  /// the same class leads at all points around a pixel, so it does there.
  void survey(const float *logits, int y, float *scratch);

  /// Row y of the mask: ids (width), confidence (nullable, width); see
  /// net/engine.h. surveyed: survey() has seen all rows of these logits; the
  /// result is the same, sooner.
  void row(const float *logits, int y, float threshold, bool surveyed,
           float *scratch, uint8_t *ids, uint8_t *confidence) const;

  struct Columns {
    std::vector<int32_t> first, second;
    std::vector<float> weight;
    /// The neighbours of a vector of outputs side by side lie so close that one
    /// vector holds them.
    bool close;
  };

  /// The rows of the grid around a row of the mask.
  struct Around {
    const float *top, *bottom;
    float weight;  // of the bottom one
    int classes, pitch;
    const uint8_t *leaders;  // of both rows; null: not known
  };

 private:
  Logits grid_;
  int width_;
  size_t scratch_size_;
  std::vector<Tap> rows_;
  Columns columns_;
  std::vector<uint8_t> leaders_;  // (height, width) of the grid, or kUnknown
  std::vector<float> peaks_;      // largest magnitude in every row
};

}  // namespace fastscnn
