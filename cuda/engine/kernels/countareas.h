// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// Counts the pixels of each id in each area of a mask. A thread walks down a
/// piece of a column, where ids and areas seldom change, and adds once per run,
/// so that few atomic additions collide.
struct CountAreas {
  static constexpr int kRows = 32;

  const uint8_t *ids;  // (height, width)
  int64_t stride;
  int height, width;
  const uint8_t *areas;  // (height, width), without padding
  uint32_t *counts;      // (areas, 256); the kernel adds to them

  FASTSCNN_HD int items() const {
    return width * ((height + kRows - 1) / kRows);
  }

  FASTSCNN_HD void operator()(int item) const {
    const int x = item % width, begin = item / width * kRows;
    const int end = begin + kRows < height ? begin + kRows : height;
    int at = place(x, begin), first = begin;
    for (int y = begin + 1; y < end; y++) {
      const int next = place(x, y);
      if (next == at) continue;
      add_atomically(counts + at, uint32_t(y - first));
      at = next;
      first = y;
    }
    add_atomically(counts + at, uint32_t(end - first));
  }

 private:
  FASTSCNN_HD int place(int x, int y) const {
    return areas[int64_t{y} * width + x] * 256 + ids[y * stride + x];
  }
};

}  // namespace fastscnn::cuda
