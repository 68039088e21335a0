// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/convgemm.h"

namespace fastscnn {

/// The inputs that cell i of `bins` averages along an axis of n: PyTorch's
/// adaptive pooling, whose cells may overlap.
inline int cell_begin(int i, int n, int bins) { return i * n / bins; }
inline int cell_end(int i, int n, int bins) {
  return ((i + 1) * n + bins - 1) / bins;
}

/// One row of cells: dst (bins, channels) from `rows` rows of `width` pixels,
/// `pitch` floats apart.
void average(ConstPixels src, ptrdiff_t pitch, int rows, int width,
             int channels, int bins, float *dst);

}  // namespace fastscnn
