// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"

namespace fastscnn::cuda::fused {

/// Outputs of a warp: 32 pixels in four rows of eight, kTiles * 8 channels.
/// Lane (r, q) has column r of all rows.
template <int kTiles>
struct Outputs {
  float sum[2][kTiles][4];  // of rows 2m and 2m + 1, in mma's layout

  FASTSCNN_DEVICE void start(const float *bias, int q) {
    FASTSCNN_UNROLL
    for (int t = 0; t < kTiles; t++) {
      const auto pair = *reinterpret_cast<const float2 *>(
          bias + column_channel(kTiles, t, 2 * q));
      FASTSCNN_UNROLL
      for (int m = 0; m < 2; m++) {
        sum[m][t][0] = sum[m][t][2] = pair.x;
        sum[m][t][1] = sum[m][t][3] = pair.y;
      }
    }
  }

  /// Adds a plane of inputs, one part for each row. weights: a plane with
  /// kTiles * 8 lines.
  template <typename T>
  FASTSCNN_DEVICE void add(const T (&rows)[4], const __half *weights,
                           const Lane &lane) {
    constexpr int kWidth = sizeof(T) * 2;
    FASTSCNN_UNROLL
    for (int t = 0; t < kTiles; t++) {
      const T b = simt::load_shared<T>(
          weights + column_channel(kTiles, t, lane.r) * kWidth +
          lane.q * (kWidth / 4));
      multiply(rows[0], rows[1], b, sum[0][t]);
      multiply(rows[2], rows[3], b, sum[1][t]);
    }
  }

  /// Two channels of a row.
  FASTSCNN_DEVICE uint32_t pair(int row, int t, const Range &range) const {
    const float(&s)[4] = sum[row / 2][t];
    return pack(s[row % 2 * 2], s[row % 2 * 2 + 1], range);
  }
  /// Eight channels of a row in the layout of a plane; t: multiple of four.
  FASTSCNN_DEVICE uint4 part(int row, int t, const Range &range) const {
    return {pair(row, t, range), pair(row, t + 1, range),
            pair(row, t + 2, range), pair(row, t + 3, range)};
  }

  /// Stores the pixels of dst (height, width, stride) from (y, x) down.
  FASTSCNN_DEVICE void store(__half *dst, int height, int width, int stride,
                             int y, int x, int q, const Range &range) const {
    FASTSCNN_UNROLL
    for (int i = 0; i < 4; i++)
      if (y + i < height && x < width)
        store(dst + (size_t(y + i) * width + x) * stride, i, q, range);
  }

 private:
  /// Stores a row's pixel.
  FASTSCNN_DEVICE void store(__half *pixel, int row, int q,
                             const Range &range) const {
    constexpr int kFours = kTiles / 4 * 4, kTwos = kTiles / 2 * 2;
    FASTSCNN_UNROLL
    for (int t = 0; t < kFours; t += 4)
      simt::store_global(pixel + t * 8 + q * 8, part(row, t, range));
    if constexpr (kFours < kTwos)
      simt::store_global(
          pixel + kFours * 8 + q * 4,
          uint2{pair(row, kFours, range), pair(row, kFours + 1, range)});
    if constexpr (kTwos < kTiles)
      simt::store_global(pixel + kTwos * 8 + q * 2, pair(row, kTwos, range));
  }
};

}  // namespace fastscnn::cuda::fused
