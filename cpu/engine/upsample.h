// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/convgemm.h"
#include "net/taps.h"

namespace fastscnn {

/// Bilinear interpolation of one row of activations: dst (width, channels)
/// lies between the rows top and bottom (src_width, channels). scratch holds
/// src_width * channels floats.
void upsample(const float *top, const float *bottom, float weight,
              int src_width, int channels, const Tap *columns, int width,
              float *scratch, Pixels dst);

}  // namespace fastscnn
