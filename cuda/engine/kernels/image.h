// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// The network input (H, W, 3) is stored as (H / 2, W / 2, 16): the channels of
/// each 2x2 pixels are (2, 2, RGB0). Over this, the first convolution, 3x3 with
/// stride 2, is 2x2 with stride 1, which suits tensor cores.
constexpr int kImageChannels = 16;

/// Index of the red channel of a pixel.
FASTSCNN_HD constexpr size_t image_index(int y, int x, int width) {
  return (size_t(y / 2) * (width / 2) + x / 2) * kImageChannels +
         (y % 2 * 2 + x % 2) * 4;
}

}  // namespace fastscnn::cuda
