// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"

namespace fastscnn::cuda::fused {

/// Blocks of a cluster on GPUs that have clusters: enough for a frame of
/// 1024x2048 to fill a large GPU.
constexpr int split_of(int in, int out) {
  return in == 64 && out == 64 ? 1 : in == 96 ? 3 : 4;
}

/// Weights of an inverted residual, in global memory.
struct BottleneckPointers {
  const __half *expand;     // (middle, in)
  const __half *depthwise;  // (3, 3, middle)
  const __half *project;    // (out, middle)
  const float *expand_bias, *depthwise_bias, *project_bias;
};

/// The weights for kChunk of the kMid channels in the middle, in shared memory.
template <int kIn, int kMid, int kOut, int kChunk, int kThreads>
struct BottleneckWeights {
  __half expand[kChunk * kIn];
  __half depthwise[9 * kChunk];
  __half project[kOut * kChunk];
  float expand_bias[kChunk], depthwise_bias[kChunk];

  /// Starts the copies.
  FASTSCNN_DEVICE void copy(const BottleneckPointers &from, int first) {
    copy_planes<kIn, kThreads>(expand, from.expand + size_t(first) * kIn,
                               kChunk, kIn);
    copy_lines<kChunk, kThreads>(depthwise, from.depthwise + first, 9, kMid);
    copy_planes<kChunk, kThreads>(project, from.project + first, kOut, kMid);
    for (int i = simt::thread() * 4; i < kChunk; i += kThreads * 4) {
      simt::copy_async(expand_bias + i, from.expand_bias + first + i, true);
      simt::copy_async(depthwise_bias + i, from.depthwise_bias + first + i,
                       true);
    }
  }
};

}  // namespace fastscnn::cuda::fused
