// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/outputs.h"
#include "cuda/engine/fused/window.h"

namespace fastscnn::cuda::fused {

/// Depthwise 3x3 + pointwise convolution and, if kClassify, the logits of up to
/// kMaxLogits padded classes, each + bias + activation. A block computes 8x16
/// outputs, a warp 4x8 of them: it multiplies a plane of channels while the
/// next ones are being copied.
///
/// Budget: 255 registers, so that 2 blocks fit a multiprocessor; of shared
/// memory 40 KB for 32 to 48 channels, 60 for 48 to 64, 80 for 128 to 128, 88
/// with logits.
template <int kIn, int kOut, int kStride, bool kClassify = false>
struct DepthwisePointwise {
  static constexpr int kThreads = 128, kCluster = 1, kBlocksEach = 2;
  static constexpr int kTileY = 8, kTileX = 16;
  static constexpr int kMaxLogits = kClassify ? 32 : 0;
  using Inputs = Window<kTileY, kTileX, kStride, 1>;
  static constexpr int kPlanes = kIn / kPlane, kTail = kIn % kPlane;
  static_assert(kTail == 0 || kTail == 16);
  static_assert(kOut % (kClassify ? 32 : 16) == 0);

  struct alignas(128) Shared {
    __half inputs[Inputs::kLines * kIn];
    __half depthwise[9 * kIn];
    __half pointwise[kOut * kIn];
    __half classify[kClassify ? kMaxLogits * kOut : 8];
  };
  static_assert(sizeof(Shared) <= (kIn == 32   ? 40
                                   : kIn == 48 ? 60
                                   : kClassify ? 88
                                               : 80)
                                      << 10);

  const __half *src;        // (src_height, src_width, src_stride)
  const __half *depthwise;  // (3, 3, kIn)
  const float *depthwise_bias;
  const __half *pointwise;  // (kOut, kIn)
  const float *pointwise_bias;
  const __half *classify;  // (logits, kOut); only if kClassify
  const float *classify_bias;
  __half *dst;  // (height, width, dst_stride)
  int src_height, src_width, src_stride, height, width, dst_stride;
  int logits;
  float depthwise_low, depthwise_high, low, high;  // of the activations

  static constexpr bool runs_on(int arch) { return arch >= 800; }
  FASTSCNN_HD int grid_x() const { return (width + kTileX - 1) / kTileX; }
  FASTSCNN_HD int grid_y() const { return (height + kTileY - 1) / kTileY; }

  FASTSCNN_DEVICE void operator()(Shared &s) const {
    const Lane lane;
    copy_lines<8, kThreads>(s.depthwise, depthwise, 9 * kIn / 8, 8);
    copy_planes<kIn, kThreads>(s.pointwise, pointwise, kOut, kIn);
    if constexpr (kClassify)
      copy_planes<kOut, kThreads>(s.classify, classify, logits, kOut);
    simt::wait_for_previous();
    const int y = simt::block_y() * kTileY, x = simt::block_x() * kTileX;
    FASTSCNN_UNROLL
    for (int plane = 0; plane < kPlanes; plane++) {
      copy<kPlane>(s, plane, y, x);
      simt::commit_copies();
    }
    if constexpr (kTail > 0) {
      copy<kTail>(s, kPlanes, y, x);
      simt::commit_copies();
    }

    const int row = lane.warp / 2 * 4, column = lane.warp % 2 * 8 + lane.r;
    Outputs<kOut / 8> outputs;
    outputs.start(pointwise_bias, lane.q);
    FASTSCNN_UNROLL_BY(1)
    for (int plane = 0; plane < kPlanes; plane++) {
      simt::wait_copies(kPlanes - plane - (kTail ? 0 : 1));
      simt::sync_block();
      add<8>(s, plane, row, column, lane, &outputs);
    }
    if constexpr (kTail > 0) {
      simt::wait_copies(0);
      simt::sync_block();
      add<4>(s, kPlanes, row, column, lane, &outputs);
    }
    simt::let_next_start();
    if constexpr (kClassify)
      store_logits(s, outputs, y + row, x + column, lane);
    else
      outputs.store(dst, height, width, dst_stride, y + row, x + column, lane.q,
                    {low, high});
  }

 private:
  template <int kWidth>
  FASTSCNN_DEVICE void copy(Shared &s, int plane, int y, int x) const {
    Inputs::template copy<kWidth, kThreads>(
        s.inputs + plane * kPlane * Inputs::kLines, src + plane * kPlane,
        src_height, src_width, src_stride, y * kStride - 1, x * kStride - 1);
  }

  template <int kChannels>
  FASTSCNN_DEVICE void add(const Shared &s, int plane, int row, int column,
                           const Lane &lane, Outputs<kOut / 8> *outputs) const {
    const int first = plane * kPlane;
    Part<kChannels> rows[4];
    Inputs::template filter<kChannels>(
        s.inputs + first * Inputs::kLines, s.depthwise + first, kIn,
        depthwise_bias + first + lane.q * kChannels,
        {depthwise_low, depthwise_high}, row, column, lane.q, rows);
    outputs->add(rows, s.pointwise + first * kOut, lane);
  }

  /// Computes and stores the logits. There are as many as classes, rounded up
  /// to a multiple of 8: a lane stores eight at once, and a warp fills whole
  /// sectors.
  FASTSCNN_DEVICE void store_logits(const Shared &s,
                                    const Outputs<kOut / 8> &outputs, int y,
                                    int x, const Lane &lane) const {
    Outputs<kMaxLogits / 8> sums;
    const int last = logits / 8 - 1;
    sums.start(classify_bias, lane.q < last ? lane.q : last);
    FASTSCNN_UNROLL
    for (int plane = 0; plane < kOut / kPlane; plane++) {
      uint4 rows[4];
      FASTSCNN_UNROLL
      for (int i = 0; i < 4; i++)
        rows[i] = outputs.part(i, plane * 4, {low, high});
      sums.add(rows, s.classify + plane * logits * kPlane, lane);
    }
    if (lane.q <= last)
      sums.store(dst, height, width, dst_stride, y, x, lane.q,
                 {kNoClamp.low, kNoClamp.high});
  }
};

}  // namespace fastscnn::cuda::fused
