// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/depthwise.h"

namespace fastscnn::int8 {

/// Neighbouring outputs that share loads.
constexpr int kDepthwiseTile = 4;

/// The rows that depthwise() reads and writes.
struct DepthwiseRows {
  const uint8_t *const *src;  // null: outside the image
  int src_width;
  uint8_t *dst;
  ptrdiff_t pitch;  // from a row of dst to the next

  void move_down(int stride) {
    src += stride;
    dst += pitch;
  }
};

}  // namespace fastscnn::int8
