// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/tensors.h"

namespace fastscnn::int8 {

/// Computes one row of an adaptive average pooling: dst (bins, channels) from
/// `rows` rows of `width` pixels, with `pitch` bytes from a row to the next;
/// see bin_begin() in cpu/engine/pooling.h. A bin of at most 65793 pixels
/// becomes round (float (sum) * (1.f / pixels)), ties to even.
void average_pool(ConstPixels src, ptrdiff_t pitch, int rows, int width,
                  int channels, int bins, uint8_t *dst);

}  // namespace fastscnn::int8
