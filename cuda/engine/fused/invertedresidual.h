// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/bottleneck.h"
#include "cuda/engine/fused/bottleneckweights.h"
#include "cuda/engine/fused/window.h"

namespace fastscnn::cuda::fused {

/// Inverted residual: pointwise, depthwise 3x3, pointwise convolution, each +
/// bias, the first two + activation; + the input if kResidual. A cluster
/// computes 8x8 outputs. Each of its kSplit blocks takes a share of the
/// channels in the middle, 96 at a time; then the blocks add up their sums
/// through each other's shared memory.
///
/// Of the six warps, three take 32 channels each in the first two convolutions,
/// and a third of the outputs each in the last one; two share the pixels.
///
/// Budget: 192 registers; at most 168 KB of shared memory, 97 for 64 channels
/// and stride 1.
template <int kIn, int kMid, int kOut, int kStride, int kSplit, bool kResidual>
struct InvertedResidual {
  static constexpr int kThreads = 192, kCluster = kSplit, kBlocksEach = 1;
  static constexpr int kTile = 8, kPixels = kTile * kTile, kChunk = 96;
  using Inputs = Window<kTile, kTile, kStride, 1>;
  static constexpr int kLines = Inputs::kLines;
  static constexpr int kShare = kMid / kSplit, kChunks = kShare / kChunk;
  using Projection = fused::Projection<kOut, kChunk>;
  static_assert(kMid % (kSplit * kChunk) == 0 && kIn % kPlane == 0);
  static_assert(kOut % kPlane == 0 && (!kResidual || kIn == kOut));

  using Weights = BottleneckWeights<kIn, kMid, kOut, kChunk, kThreads>;
  struct alignas(128) Shared {
    union {
      struct {
        __half inputs[kLines * kIn], middle[kLines * kChunk];
      };
      float sums[Projection::kSums];
    };
    __half filtered[kPixels * kChunk];
    Weights weights[kChunks > 1 ? 2 : 1];  // of this chunk and the next
    uint8_t inside[kLines];
  };
  static_assert(sizeof(Shared) <=
                (kIn == 64 && kOut == 64 && kStride == 1 ? 97 : 168) << 10);

  const __half *src;  // (src_height, src_width, src_stride)
  BottleneckPointers weights;
  __half *dst;  // (height, width, kOut)
  int src_height, src_width, src_stride, height, width;
  float low, high;  // of the activation

  /// Spares the compiler kernels that are never launched.
  static constexpr bool runs_on(int arch) {
    return kSplit == (arch >= 900 ? split_of(kIn, kOut) : 1);
  }
  FASTSCNN_HD int grid_x() const { return (width + kTile - 1) / kTile; }
  FASTSCNN_HD int grid_y() const { return (height + kTile - 1) / kTile; }

  FASTSCNN_DEVICE void operator()(Shared &s) const {
    const Lane lane;
    const int rank = kSplit > 1 ? simt::cluster_rank() : 0;
    const int first = rank * kShare;
    s.weights[0].copy(weights, first);
    simt::wait_for_previous();
    copy_inputs(s);
    simt::commit_copies();
    if (kChunks > 1) s.weights[kChunks > 1].copy(weights, first + kChunk);
    simt::commit_copies();

    Projection projection;
    FASTSCNN_UNROLL_BY(1)
    for (int chunk = 0; chunk < kChunks; chunk++) {
      simt::wait_copies(chunk == 0 ? 1 : 0);
      simt::sync_block();
      if (chunk > 0 && chunk + 1 < kChunks) {
        s.weights[(chunk + 1) % 2].copy(weights, first + (chunk + 1) * kChunk);
        simt::commit_copies();
      }
      const Weights &w = s.weights[chunk % 2];
      expand_pixels<kIn, kLines>(s.inputs, s.inside, w.expand, w.expand_bias,
                                 kChunk, {low, high}, lane, s.middle);
      simt::sync_block();
      filter(s, w, lane);
      simt::sync_block();
      projection.add(s.filtered, w.project, lane);
    }
    simt::let_next_start();
    projection.keep(s.sums, lane);
    if constexpr (kSplit > 1)
      simt::sync_cluster();
    else
      simt::sync_block();
    add_up(s, rank);
    if constexpr (kSplit > 1) simt::sync_cluster();
  }

 private:
  FASTSCNN_DEVICE void copy_inputs(Shared &s) const {
    const int y = simt::block_y() * kTile * kStride - 1;
    const int x = simt::block_x() * kTile * kStride - 1;
    for (int c = 0; c < kIn; c += kPlane)
      Inputs::template copy<kPlane, kThreads>(s.inputs + c * kLines, src + c,
                                              src_height, src_width, src_stride,
                                              y, x);
    for (int i = simt::thread(); i < kLines; i += kThreads) {
      const int row = i / Inputs::kColumns, column = i % Inputs::kColumns;
      s.inside[Inputs::line(row, column)] =
          unsigned(y + row) < unsigned(src_height) &&
          unsigned(x + column) < unsigned(src_width);
    }
  }

  FASTSCNN_DEVICE void filter(Shared &s, const Weights &w,
                              const Lane &lane) const {
    const int plane = lane.warp % 3, row = lane.warp / 3 * 4;
    uint4 out[4];
    Inputs::template filter<8>(s.middle + plane * kLines * kPlane,
                               w.depthwise + plane * kPlane, kChunk,
                               w.depthwise_bias + plane * kPlane + lane.q * 8,
                               {low, high}, row, lane.r, lane.q, out);
    FASTSCNN_UNROLL
    for (int i = 0; i < 4; i++) {
      const int line = (row + i) * kTile + lane.r;
      simt::store_shared(
          s.filtered + (plane * kPixels + line) * kPlane + lane.q * 8, out[i]);
    }
  }

  /// Computes this block's part of the outputs.
  FASTSCNN_DEVICE void add_up(const Shared &s, int rank) const {
    for (int i = rank * kThreads + simt::thread(); i < Projection::kParts;
         i += kThreads * kSplit) {
      const int channel = Projection::channel(i);
      const int y = simt::block_y() * kTile + Projection::pixel(i) / kTile;
      const int x = simt::block_x() * kTile + Projection::pixel(i) % kTile;
      if (y >= height || x >= width) continue;
      const size_t at = size_t(y) * width + x;
      float value[kLanes], bias[kLanes];
      Projection::template total<kSplit>(s.sums, i, value);
      load(weights.project_bias + channel, bias);
      FASTSCNN_UNROLL
      for (int c = 0; c < kLanes; c++) value[c] += bias[c];
      if constexpr (kResidual) {
        float input[kLanes];
        load(src + at * src_stride + channel, input);
        FASTSCNN_UNROLL
        for (int c = 0; c < kLanes; c++) value[c] += input[c];
      }
      const Range range = {kNoClamp.low, kNoClamp.high};
      simt::store_global(dst + at * kOut + channel,
                         uint4{pack(value[0], value[1], range),
                               pack(value[2], value[3], range),
                               pack(value[4], value[5], range),
                               pack(value[6], value[7], range)});
    }
  }
};

}  // namespace fastscnn::cuda::fused
