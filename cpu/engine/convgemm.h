// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "net/fastscnn.h"

namespace fastscnn {

/// A convolution over all channels as a direct matrix product: for each pixel,
/// the sum over kernel rows of weights times the floats under that row.
struct ConvGemm {
  int in = 0;   ///< floats under a kernel row
  int out = 0;  ///< channels, a multiple of kChannelBlock
  int kernel_rows = 1;
  const float *weights = nullptr;  ///< (out / 16, kernel_rows, in, 16)
  const float *bias = nullptr;     ///< (out)
  Clamp clamp;
};

/// Neighbouring pixels, `stride` floats apart.
struct ConstPixels {
  const float *data;
  ptrdiff_t stride;
};
struct Pixels {
  float *data;
  ptrdiff_t stride;

  operator ConstPixels() const { return {data, stride}; }
};

/// dst (count, out) = clamp (bias + residual + sum over kernel rows r of
/// weights[r] * src[offset[r] ...]). residual.data may be null or dst.
void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, ConstPixels residual, Pixels dst);

/// The same without a residual.
inline void conv_gemm(const ConvGemm &layer, ConstPixels src,
                      const ptrdiff_t *offset, int count, Pixels dst) {
  conv_gemm(layer, src, offset, count, {nullptr, 0}, dst);
}

}  // namespace fastscnn
