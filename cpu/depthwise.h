// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/dense.h"

namespace fastscnn {

/// A 3x3 convolution of each channel with itself.
struct Depthwise {
  int channels = 0;                ///< multiple of kChannelBlock
  int stride = 1;                  ///< 1 or 2
  int dilation = 1;                ///< also the padding
  const float *weights = nullptr;  ///< (3, 3, channels)
  const float *bias = nullptr;     ///< (channels)
  Clamp clamp = {};
};

/// One row: dst (dst_width, channels) from three rows (src_width, channels);
/// a null row lies outside the image.
void depthwise(const Depthwise &layer, const float *const rows[3],
               int src_width, float *dst, int dst_width);

}  // namespace fastscnn
