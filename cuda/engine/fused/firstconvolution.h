// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"

namespace fastscnn::cuda::fused {

/// Computes a window of the outputs of the first convolution, 3x3 with stride
/// 2, to 32 channels, in shared memory. The image consists of cells of 2x2
/// pixels, (2, 2, RGB0), see image.h; an output reads 2x2 cells. Two cells side
/// by side are the 32 channels of a product: one for the upper and one for the
/// lower two. Outputs outside become zero, as padding of the next convolution.
template <class Window, int kThreads>
struct FirstConvolution {
  static constexpr int kChannels = 16;  // of a cell
  static constexpr int kTaps = 4 * kChannels;
  static constexpr int kRows = Window::kRows + 1;  // of cells
  static constexpr int kColumns = Window::kColumns + 1;

  const __half *weights;  // planes of 32 lines, in shared memory
  const float *bias;      // (32)
  int y, x;               // of the window's first output
  int height, width;      // of all outputs

  /// image: (kRows, kColumns, kChannels).
  FASTSCNN_DEVICE void run(const __half *image, const Range &range,
                           const Lane &lane, __half *middle) const {
    uint4 weight[2][4];
    float2 start[4];
    FASTSCNN_UNROLL
    for (int t = 0; t < 4; t++) {
      FASTSCNN_UNROLL
      for (int k = 0; k < 2; k++)
        weight[k][t] = simt::load_shared<uint4>(
            weights + (k * kPlane + column_channel(4, t, lane.r)) * kPlane +
            lane.q * 8);
      start[t] = *reinterpret_cast<const float2 *>(
          bias + column_channel(4, t, 2 * lane.q));
    }
    FASTSCNN_UNROLL_BY(1)
    for (int m = lane.warp; m * 16 < Window::kLines; m += kThreads / 32) {
      uint4 part[2][2];  // of two lines: upper and lower cells
      FASTSCNN_UNROLL
      for (int i = 0; i < 2; i++) {
        const Place place(m * 16 + 8 * i + lane.r);
        FASTSCNN_UNROLL
        for (int k = 0; k < 2; k++)
          part[i][k] = in_own_registers(simt::load_shared<uint4>(
              image + ((place.row + k) * kColumns + place.column) * kChannels +
              lane.q * 8));
      }
      float sum[4][4];
      FASTSCNN_UNROLL
      for (int t = 0; t < 4; t++) {
        sum[t][0] = sum[t][2] = start[t].x;
        sum[t][1] = sum[t][3] = start[t].y;
        FASTSCNN_UNROLL
        for (int k = 0; k < 2; k++)
          multiply(part[0][k], part[1][k], weight[k][t], sum[t]);
      }
      FASTSCNN_UNROLL
      for (int i = 0; i < 2; i++) {
        const int line = m * 16 + 8 * i + lane.r;
        if (line >= Window::kLines) break;
        const Place place(line);
        uint4 out = {};
        if (unsigned(y + place.row) < unsigned(height) &&
            unsigned(x + place.column) < unsigned(width))
          out = {pack(sum[0][2 * i], sum[0][2 * i + 1], range),
                 pack(sum[1][2 * i], sum[1][2 * i + 1], range),
                 pack(sum[2][2 * i], sum[2][2 * i + 1], range),
                 pack(sum[3][2 * i], sum[3][2 * i + 1], range)};
        simt::store_shared(middle + line * kPlane + lane.q * 8, out);
      }
    }
  }

 private:
  /// The place of a line of the window; lines beyond it have the last one's.
  struct Place {
    FASTSCNN_DEVICE explicit Place(int line) {
      constexpr int kEven = (Window::kColumns + 1) / 2;
      if (line >= Window::kLines) line = Window::kLines - 1;
      const int at = line % Window::kColumns;
      row = line / Window::kColumns;
      column = at < kEven ? 2 * at : 2 * (at - kEven) + 1;
    }
    int row, column;
  };
};

}  // namespace fastscnn::cuda::fused
