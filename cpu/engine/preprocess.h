// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/taps.h"
#include "net/frame.h"

namespace fastscnn {

/// Colour conversion, bilinear resize and normalisation of frames of one kind
/// in one pass, row by row.
class Preprocess {
 public:
  /// width: of the result, a multiple of kSizeMultiple. mean and std are those
  /// of R, G and B in 0..1.
  Preprocess(const FrameInfo &info, int width, int height, const float mean[3],
             const float std[3]);

  /// Floats of scratch memory that row() needs.
  size_t scratch_size() const { return scratch_size_; }

  /// Row y of the result: dst (width, 3).
  void row(const ConstFrame &src, int y, float *scratch, float *dst) const;

  /// Samples that are interpolated between the same two rows of a plane.
  struct Band {
    int plane;
    int bytes;              // of a row of the plane
    std::vector<Tap> rows;  // of every output row
    size_t begin;           // in the scratch memory
  };

  /// Where every output column finds a component among the samples.
  struct Columns {
    const float *base(const float *scratch) const { return scratch + begin; }

    size_t begin;
    std::vector<int32_t> first, second;
    std::vector<float> weight;
    bool mixed = false;  // any weight is not 0
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
  std::vector<Band> bands_;
  Columns columns_[3];
  Color color_;
};

}  // namespace fastscnn
