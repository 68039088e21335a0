// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/engine/int8/upsample.h"
#include "net/frame.h"

namespace fastscnn::int8 {

/// Resizes frames of one format to the network input and converts them to RGB
/// bytes, in one pass, row by row. Each component is interpolated as upsample()
/// does, but left in steps of 1/128. Then, for each of R, G and B,
///   sum = offset + sum over components of (matrix * component + 2^14) >> 15
///   byte = clamp ((sum + 16) >> 5, 0, 255)
/// where matrix is in steps of 2^-13, offset and sum are in steps of 1/32, and
/// the sum saturates at 16 bits in this order. Within 1 of the exact result.
class Preprocess {
 public:
  /// width, height: of the result; width is a multiple of kSizeMultiple.
  Preprocess(const FrameInfo &info, int width, int height);

  /// int16_t of scratch memory for row().
  size_t scratch_size() const { return scratch_size_; }

  /// Row y of the result: dst (width, 3).
  void row(const ConstFrame &src, int y, int16_t *scratch, uint8_t *dst) const;

  /// The vertical interpolation of components that are interleaved in a plane.
  struct Rows {
    int plane;
    int offset;                  // of the first byte
    int stride;                  // bytes from a sample to the next, 1 to 4
    int samples;                 // in a row
    std::vector<FixedTap> taps;  // of each output row
    ptrdiff_t begin[4];          // of the sample at each byte, in scratch
                                 // memory; negative: not a component
  };

  /// The horizontal interpolation of a component, from scratch memory.
  struct Columns {
    ptrdiff_t begin;  // in scratch memory
    std::vector<int32_t> first, second;
    std::vector<int16_t> weight;  // of second, times 16
    /// Empty unless each group of kGroup outputs reads at most 2 * kGroup
    /// neighbouring inputs. window: the first of those. shuffle: the bytes of
    /// `first` and `second` in either half of those, 0x80 for bytes in the
    /// other half.
    std::vector<int32_t> window;
    std::vector<uint8_t> shuffle;  // (groups, first and second, halves, 16)
  };
  static constexpr int kGroup = 8;

  struct Color {
    int16_t matrix[3][3];
    int16_t offset[3];
  };

 private:
  int width_;
  int components_;
  size_t scratch_size_ = 0;
  std::vector<Rows> rows_;
  Columns columns_[3];
  Color color_;
};

}  // namespace fastscnn::int8
