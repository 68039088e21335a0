// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/convgemm.h"

namespace fastscnn {

/// The range of the inputs, of n along an axis, that bin i averages. As in
/// PyTorch's adaptive pooling, bins may overlap.
inline int bin_begin(int i, int n, int bins) { return i * n / bins; }
inline int bin_end(int i, int n, int bins) {
  return ((i + 1) * n + bins - 1) / bins;
}

/// Computes one row of an adaptive average pooling: dst (bins, channels) from
/// `rows` rows of `width` pixels, with `pitch` floats from a row to the next.
void average_pool(ConstPixels src, ptrdiff_t pitch, int rows, int width,
                  int channels, int bins, float *dst);

}  // namespace fastscnn
