// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/tensors.h"
#include "cpu/simd.h"

namespace fastscnn::int8 {

/// The parameters of kChannels channels of a layer, packed for dot products of
/// 4 bytes; zeros for missing channels. A quarter holds every fourth group of 4
/// channels: lane i of quarter q is channel i / 4 * 16 + q * 4 + i % 4.
struct DepthwiseDots {
  static constexpr int kLanes = 16, kChannels = 4 * kLanes;

  int32_t bias[4][kLanes];
  float scale[4][kLanes];           ///< of Requantization
  int8_t weights[4][3][kLanes][4];  ///< of column kx: rows 0 to 2, then 0
};

/// A depthwise 3x3 convolution. Sums may be computed in fp32, exactly: |sum| <
/// 2^24 for any input.
struct Depthwise {
  int channels = 0;                ///< multiple of kChannelBlock
  int stride = 1;                  ///< 1 or 2
  int dilation = 1;                ///< also the padding
  int outside = 0;                 ///< value of pixels outside the image
  const float *weights = nullptr;  ///< by pack_depthwise()
  const float *bias = nullptr;     ///< (channels), whole numbers
  Requantization to_bytes;
  const DepthwiseDots *dots = nullptr;  ///< by pack_depthwise_dots()

  /// The first of the nine weights of channel c, which are kChannelBlock apart.
  const float *weight(int c) const {
    return weights + c / kChannelBlock * (9 * kChannelBlock) +
           c % kChannelBlock;
  }
};

/// Packs weights (channels, 3, 3) to packed (channels / 16, 3, 3, 16).
void pack_depthwise(const int8_t *weights, int channels, float *packed);

/// Number of DepthwiseDots of a layer.
constexpr int count_depthwise_dots(int channels) {
  return (channels + DepthwiseDots::kChannels - 1) / DepthwiseDots::kChannels;
}

/// Packs a layer whose other members are set; weights as for pack_depthwise().
/// packed: count_depthwise_dots (layer.channels) elements.
void pack_depthwise_dots(const Depthwise &layer, const int8_t *weights,
                         DepthwiseDots *packed);

/// The number of output rows that are computed together fastest.
constexpr int kDepthwiseRows = 2;

/// Computes `count` output rows: at most kDepthwiseRows, or 1 if dilated. dst:
/// (count, dst_width, channels), with `pitch` bytes from a row to the next.
/// rows: the 3 + (count - 1) * stride input rows that they read, (src_width,
/// channels); null for one outside the image.
void depthwise(const Depthwise &layer, const uint8_t *const *rows,
               int src_width, uint8_t *dst, ptrdiff_t pitch, int dst_width,
               int count);

}  // namespace fastscnn::int8
