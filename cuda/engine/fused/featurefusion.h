// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/coarse.h"
#include "cuda/engine/fused/outputs.h"
#include "cuda/engine/fused/window.h"
#include "cuda/vector.h"

namespace fastscnn::cuda::fused {

/// Feature fusion: the coarse features, interpolated to four times their size,
/// depthwise 3x3 + bias + activation, pointwise; + pointwise of the fine
/// features + biases; activation. A block computes 8x16 outputs, a warp 4x8 of
/// them; while it multiplies a plane of channels, it interpolates the next one.
///
/// Budget: 255 registers; 82 KB of shared memory, so that 2 blocks fit a
/// multiprocessor of sm_90; with dilation 4, 111 KB.
template <int kDilation>
struct FeatureFusion {
  static constexpr int kThreads = 128, kCluster = 1;
  static constexpr int kBlocksEach = kDilation == 1 ? 2 : 1;
  static constexpr int kTileY = 8, kTileX = 16;
  static constexpr int kCoarse = 128, kFine = 64, kOut = 128;
  using Inputs = Window<kTileY, kTileX, 1, kDilation>;
  struct alignas(128) Shared {
    __half inputs[2][Inputs::kLines * kPlane];  // this plane and the next
    Coarse<Inputs::kRows, Inputs::kColumns, kCoarse, kThreads> coarse;
    __half depthwise[9 * kCoarse];
    __half weight[kOut * (kFine + kCoarse)];
  };
  static_assert(sizeof(Shared) <= (kDilation == 1 ? 82 : 111) << 10);

  const __half *coarse;     // (height / 4, width / 4, kCoarse)
  const __half *fine;       // (height, width, fine_stride)
  const __half *depthwise;  // (3, 3, kCoarse)
  const float *depthwise_bias;
  const __half *weight;  // (kOut, kFine + kCoarse), see joined_residual()
  const float *bias;
  __half *dst;  // (height, width, kOut)
  Upsampling axis_y, axis_x;
  int height, width, fine_stride;
  float depthwise_low, depthwise_high, low, high;  // of the activations

  static constexpr bool runs_on(int arch) { return arch >= 800; }
  FASTSCNN_HD int grid_x() const { return (width + kTileX - 1) / kTileX; }
  FASTSCNN_HD int grid_y() const { return (height + kTileY - 1) / kTileY; }

  FASTSCNN_DEVICE void operator()(Shared &s) const {
    const Lane lane;
    copy_lines<8, kThreads>(s.depthwise, depthwise, 9 * kCoarse / 8, 8);
    copy_planes<kFine + kCoarse, kThreads>(s.weight, weight, kOut,
                                           kFine + kCoarse);
    const int y0 = simt::block_y() * kTileY, x0 = simt::block_x() * kTileX;
    s.coarse.find_taps(axis_y, axis_x, y0 - kDilation, x0 - kDilation);
    simt::wait_for_previous();
    s.coarse.copy(coarse, axis_y, axis_x, y0 - kDilation, x0 - kDilation);
    simt::commit_copies();
    const int row = lane.warp / 2 * 4, column = lane.warp % 2 * 8 + lane.r;
    const int y = y0 + row, x = x0 + column;
    uint4 fine_rows[kFine / kPlane][4];
    load_fine(y, x, lane.q, fine_rows);
    simt::wait_copies(0);
    simt::sync_block();

    Outputs<kOut / 8> outputs;
    outputs.start(bias, lane.q);
    FASTSCNN_UNROLL
    for (int plane = 0; plane < kFine / kPlane; plane++)
      outputs.add(fine_rows[plane], s.weight + plane * kPlane * kOut, lane);
    s.coarse.interpolate(0, s.inputs[0]);
    FASTSCNN_UNROLL_BY(1)
    for (int plane = 0; plane < kCoarse / kPlane; plane++) {
      simt::sync_block();
      const int first = plane * kPlane;
      if (plane + 1 < kCoarse / kPlane)
        s.coarse.interpolate(first + kPlane, s.inputs[(plane + 1) % 2]);
      uint4 rows[4];
      Inputs::template filter<8>(s.inputs[plane % 2], s.depthwise + first,
                                 kCoarse, depthwise_bias + first + lane.q * 8,
                                 {depthwise_low, depthwise_high}, row, column,
                                 lane.q, rows);
      outputs.add(rows, s.weight + (kFine + first) * kOut, lane);
    }
    simt::let_next_start();
    outputs.store(dst, height, width, kOut, y, x, lane.q, {low, high});
  }

 private:
  /// Loads the fine features; zeros outside, whose outputs are not stored.
  FASTSCNN_DEVICE void load_fine(int y, int x, int q,
                                 uint4 (&rows)[kFine / kPlane][4]) const {
    FASTSCNN_UNROLL
    for (int i = 0; i < 4; i++) {
      const bool inside = y + i < height && x < width;
      const __half *pixel = fine + (size_t(y + i) * width + x) * fine_stride;
      FASTSCNN_UNROLL
      for (int plane = 0; plane < kFine / kPlane; plane++)
        rows[plane][i] =
            in_own_registers(load_16(pixel + plane * kPlane + q * 8, inside));
    }
  }
};

}  // namespace fastscnn::cuda::fused
