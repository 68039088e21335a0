// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "cpu/engine/convgemm.h"
#include "cpu/simd.h"

namespace fastscnn {

/// A 3x3 convolution of each channel with itself.
struct Depthwise {
  int channels = 0;                ///< multiple of kChannelBlock
  int stride = 1;                  ///< 1 or 2
  int dilation = 1;                ///< also the padding
  const float *weights = nullptr;  ///< (channels / 16, 3, 3, 16)
  const float *bias = nullptr;     ///< (channels)
  Clamp clamp;

  /// Of channel c, the first of nine that are kChannelBlock apart.
  const float *weight(int c) const {
    return weights + c / kChannelBlock * (9 * kChannelBlock) +
           c % kChannelBlock;
  }
};

/// Rows that are best computed together, where dilation is 1.
constexpr int kDepthwiseRows = 2;

/// `count` rows, at most kDepthwiseRows, or one where dilation is not 1: dst
/// (dst_width, channels), `pitch` floats apart, from the rows (src_width,
/// channels) that the first one reads and those that the next ones add: 3 +
/// (count - 1) * stride; a null row lies outside the image.
void depthwise(const Depthwise &layer, const float *const *rows, int src_width,
               float *dst, ptrdiff_t pitch, int dst_width, int count);

}  // namespace fastscnn
