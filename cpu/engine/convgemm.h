// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "net/fastscnn.h"

namespace fastscnn {

/// A matrix product over pixels: what every convolution that mixes channels
/// comes down to. Weights are packed as (out / 16, taps, in, 16).
struct Dense {
  int in = 0;   ///< consecutive floats that a tap reads
  int out = 0;  ///< multiple of kChannelBlock
  int taps = 1;
  const float *weights = nullptr;
  const float *bias = nullptr;  ///< (out)
  Clamp clamp;
};

/// Pixels side by side: floats from one to the next.
struct ConstPixels {
  const float *data;
  ptrdiff_t step;
};
struct Pixels {
  float *data;
  ptrdiff_t step;
};

/// dst (count, out) = clamp (bias + residual + sum over taps t of
/// weights[t] * src[offset[t]...]). residual.data may be null or dst.
void dense(const Dense &layer, ConstPixels src, const ptrdiff_t *offset,
           int count, ConstPixels residual, Pixels dst);

}  // namespace fastscnn
