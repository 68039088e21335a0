// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "cpu/engine/convgemm.h"
#include "cpu/simd.h"

namespace fastscnn {

/// A depthwise 3x3 convolution.
struct Depthwise {
  int channels = 0;                ///< multiple of kChannelBlock
  int stride = 1;                  ///< 1 or 2
  int dilation = 1;                ///< also the padding
  const float *weights = nullptr;  ///< (channels / 16, 3, 3, 16)
  const float *bias = nullptr;     ///< (channels)
  Clamp clamp;

  /// The first of the nine weights of channel c, which are kChannelBlock apart.
  const float *weight(int c) const {
    return weights + c / kChannelBlock * (9 * kChannelBlock) +
           c % kChannelBlock;
  }
};

/// The number of output rows that are computed together fastest.
constexpr int kDepthwiseRows = 2;

/// Computes `count` output rows: at most kDepthwiseRows, or 1 if dilated. dst:
/// (count, dst_width, channels), with `pitch` floats from a row to the next.
/// rows: the 3 + (count - 1) * stride input rows that they read, (src_width,
/// channels); null for one outside the image.
void depthwise(const Depthwise &layer, const float *const *rows, int src_width,
               float *dst, ptrdiff_t pitch, int dst_width, int count);

}  // namespace fastscnn
