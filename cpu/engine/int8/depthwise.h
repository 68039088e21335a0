// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/tensors.h"
#include "cpu/simd.h"

namespace fastscnn::int8 {

/// A depthwise 3x3 convolution. Sums are computed in fp32, exactly: |sum| <
/// 2^24 for any input.
struct Depthwise {
  int channels = 0;                ///< multiple of kChannelBlock
  int stride = 1;                  ///< 1 or 2
  int dilation = 1;                ///< also the padding
  int outside = 0;                 ///< value of pixels outside the image
  const float *weights = nullptr;  ///< by pack_depthwise()
  const float *bias = nullptr;     ///< (channels), whole numbers
  Requantization to_bytes;

  /// The first of the nine weights of channel c, which are kChannelBlock apart.
  const float *weight(int c) const {
    return weights + c / kChannelBlock * (9 * kChannelBlock) +
           c % kChannelBlock;
  }
};

/// Packs weights (channels, 3, 3) to packed (channels / 16, 3, 3, 16).
void pack_depthwise(const int8_t *weights, int channels, float *packed);

/// Output rows that are fastest computed together.
constexpr int kDepthwiseRows = 2;

/// Computes `count` output rows: at most kDepthwiseRows, or 1 if dilated. dst:
/// (count, dst_width, channels), with `pitch` bytes from a row to the next.
/// rows: the 3 + (count - 1) * stride input rows that they read, (src_width,
/// channels); null for one outside the image.
void depthwise(const Depthwise &layer, const uint8_t *const *rows,
               int src_width, uint8_t *dst, ptrdiff_t pitch, int dst_width,
               int count);

}  // namespace fastscnn::int8
