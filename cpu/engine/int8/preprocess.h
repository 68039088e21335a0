// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/engine/int8/upsample.h"
#include "net/frame.h"

namespace fastscnn::int8 {

/// Resizes frames of one format to the network input and converts them to RGB
/// bytes, in one pass, row by row. Each component is interpolated as upsample()
/// does, but left in steps of 1/128. Then, for R, G and B, in steps of 1/32:
///   sum = offset + sum over components of (matrix * component + 2^14) >> 15
///   byte = clamp ((sum + 16) >> 5, 0, 255)
/// with matrix in steps of 2^-13, offset in steps of 255/32. The result is
/// within 1 of the exact one.
class Preprocess {
 public:
  /// width, height: of the result; width is a multiple of kSizeMultiple.
  Preprocess(const FrameInfo &info, int width, int height);

  /// int16_t of scratch memory for row(), aligned to 64 bytes.
  size_t scratch_size() const { return scratch_size_; }

  /// Row y of the result: dst (width, 3).
  void row(const ConstFrame &src, int y, int16_t *scratch, uint8_t *dst) const;

 private:
  size_t scratch_size_ = 0;
};

}  // namespace fastscnn::int8
