// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// Counts the pixels of each id in a mask. A thread walks down a piece of a
/// column, where ids are mostly equal, and adds once per run of equal ids, so
/// that few atomic additions collide.
struct Count {
  static constexpr int kThreads = 256;  // as many as there are ids
  static constexpr int kPhases = 3;
  static constexpr int kRows = 32;

  struct Shared {
    uint32_t counts[kThreads];
  };

  const uint8_t *ids;  // (height, width)
  int64_t stride;
  int height, width;
  uint32_t *counts;  // (256); the kernel adds to them

  FASTSCNN_HD int blocks() const {
    return across() * ((height + kRows - 1) / kRows);
  }

  FASTSCNN_HD void operator()(int phase, int block, int thread,
                              Shared &shared) const {
    if (phase == 0)
      shared.counts[thread] = 0;
    else if (phase == 1)
      count_column(block % across() * kThreads + thread,
                   block / across() * kRows, shared);
    else if (shared.counts[thread] > 0)
      add_atomically(counts + thread, shared.counts[thread]);
  }

 private:
  FASTSCNN_HD int across() const { return (width + kThreads - 1) / kThreads; }

  FASTSCNN_HD void count_column(int x, int begin, Shared &shared) const {
    if (x >= width) return;
    const int end = begin + kRows < height ? begin + kRows : height;
    int id = ids[begin * stride + x], first = begin;
    for (int y = begin + 1; y < end; y++) {
      const int next = ids[y * stride + x];
      if (next == id) continue;
      add_atomically(shared.counts + id, uint32_t(y - first));
      id = next;
      first = y;
    }
    add_atomically(shared.counts + id, uint32_t(end - first));
  }
};

}  // namespace fastscnn::cuda
