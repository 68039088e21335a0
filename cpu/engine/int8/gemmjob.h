// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/convgemm.h"
#include "cpu/simd.h"

namespace fastscnn::int8 {

/// A call of conv_gemm(). Either dst or logits is used.
struct GemmJob {
  const ConvGemm &layer;
  ConstPixels src;
  const ptrdiff_t *offset;
  int count;
  ConstPixels residual;
  Pixels dst;
  FloatPixels logits;
};

/// Packed weights are (out / 16) blocks of kSumBytes + (kernel_rows,
/// row_bytes): the sum of the weights of each channel (16, int32_t), which some
/// instructions need, then (kernel_rows, in / 4, 16, 4) weights, where `in` is
/// rounded up to kDepth, the longest dot product.
constexpr int kDepth = 64;
constexpr int kGroupBytes = 4 * kChannelBlock;
constexpr int kSumBytes = sizeof(int32_t) * kChannelBlock;

constexpr ptrdiff_t row_bytes(int in) {
  return ptrdiff_t(in + kDepth - 1) / kDepth * kDepth * kChannelBlock;
}
constexpr ptrdiff_t block_bytes(const ConvGemm &layer) {
  return kSumBytes + layer.kernel_rows * row_bytes(layer.in);
}

}  // namespace fastscnn::int8
