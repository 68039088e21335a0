// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// A square of a mask in shared memory.
struct MaskTile {
  static constexpr int kSize = 64;           // pixels across and down
  static constexpr int kWords = kSize / 4;   // of four pixels
  static constexpr int kPitch = kWords + 1;  // without bank conflicts

  uint32_t words[kSize][kPitch];

  FASTSCNN_HD void set(int row, int column, int value) {
    reinterpret_cast<uint8_t *>(words[row])[column] =
        static_cast<uint8_t>(value);
  }
  FASTSCNN_HD void set_four(int row, int word, int value) {
    words[row][word] = four(value);
  }

  /// Adds the first `width` pixels of a row to the counts of their values: once
  /// per run of equal pixels, so that few atomic additions collide.
  FASTSCNN_HD void count_row(int row, int width, uint32_t *counts) const {
    const uint8_t *pixels = reinterpret_cast<const uint8_t *>(words[row]);
    int value = pixels[0], first = 0;
    for (int x = 0; x < width; x++) {
      if (x % 4 == 0 && x + 4 <= width && words[row][x / 4] == four(value)) {
        x += 3;
        continue;
      }
      if (pixels[x] == value) continue;
      add_atomically(counts + value, uint32_t(x - first));
      value = pixels[x];
      first = x;
    }
    add_atomically(counts + value, uint32_t(width - first));
  }

  /// Writes one thread's part of the first `height` rows of `width` pixels to
  /// dst; `threads` threads write all of it.
  FASTSCNN_HD void write(uint8_t *dst, int64_t stride, int height, int width,
                         int thread, int threads) const {
    for (int i = thread; i < kSize * kWords; i += threads) {
      const int row = i / kWords, x = i % kWords * 4;
      if (row >= height || x >= width) continue;
      uint8_t *to = dst + row * stride + x;
      const uint32_t word = words[row][x / 4];
      if (x + 4 <= width && reinterpret_cast<uintptr_t>(to) % 4 == 0) {
        *reinterpret_cast<uint32_t *>(to) = word;
        continue;
      }
      for (int k = 0; k < 4 && x + k < width; k++)
        to[k] = static_cast<uint8_t>(word >> (8 * k));
    }
  }

 private:
  FASTSCNN_HD static constexpr uint32_t four(int value) {
    return value * 0x01010101u;
  }
};

}  // namespace fastscnn::cuda
