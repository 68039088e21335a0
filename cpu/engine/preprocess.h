// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/frame.h"
#include "net/taps.h"

namespace fastscnn {

/// Resizes frames of one format to the network input, converts them to RGB and
/// normalises them, in one pass, row by row.
class Preprocess {
 public:
  /// width, height: of the result; width is a multiple of kSizeMultiple. mean,
  /// std: of R, G and B in 0..1.
  Preprocess(const FrameInfo &info, int width, int height, const float mean[3],
             const float std[3]);

  /// Floats of scratch memory for row().
  size_t scratch_size() const { return scratch_size_; }

  /// Row y of the result: dst (width, 3).
  void row(const ConstFrame &src, int y, float *scratch, float *dst) const;

  /// The vertical interpolation of a plane's bytes to scratch memory.
  struct Rows {
    int plane;
    int bytes;              // in a row of the plane
    std::vector<Tap> taps;  // of each output row
    size_t begin;           // of the result in the scratch memory
  };

  /// The horizontal interpolation of a component, from scratch memory.
  struct Columns {
    size_t begin;                        // of the plane in the scratch memory
    std::vector<int32_t> first, second;  // taps of each output column, in bytes
    std::vector<float> weight;
    bool interpolates = false;  // any weight is not 0
  };

  /// rgb = clamp (matrix * samples + offset, 0, 1) * scale + shift
  struct Color {
    float matrix[3][3];
    float offset[3];
    float scale[3];
    float shift[3];
  };

 private:
  int width_;
  int components_;
  size_t scratch_size_ = 0;
  std::vector<Rows> rows_;
  Columns columns_[3];
  Color color_;
};

}  // namespace fastscnn
