// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/convgemm.h"
#include "net/taps.h"

namespace fastscnn {

/// Computes one row of a bilinear interpolation: dst (width, channels) from the
/// rows top and bottom (src_width, channels); `weight` is that of bottom.
/// columns: the taps of each output column. scratch: src_width * channels
/// floats.
void upsample(const float *top, const float *bottom, float weight,
              int src_width, int channels, const Tap *columns, int width,
              float *scratch, Pixels dst);

}  // namespace fastscnn
