// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/tensors.h"

namespace fastscnn::int8 {

/// Bytes that conv_gemm() may read after the last pixel of its input; their
/// values do not matter.
constexpr int kReadAhead = 64;

/// A convolution over all channels as a direct matrix product; see
/// cpu/engine/convgemm.h. Sums are exact: |sum| < 2^31 for any input.
struct ConvGemm {
  int in = 0;   ///< bytes under a kernel row
  int out = 0;  ///< channels, a multiple of kChannelBlock
  int kernel_rows = 1;
  const int8_t *weights = nullptr;  ///< by pack_conv_gemm()
  const int32_t *bias = nullptr;    ///< (out)
  Requantization to_bytes;
  /// (out): how much one step of the residual adds to the sum; null: no
  /// residual.
  const int32_t *residual_scale = nullptr;
  int residual_zero = 0;
};

/// Bytes of packed weights, for `out` channels and kernel rows of `in` bytes.
size_t packed_size(int out, int kernel_rows, int in);

/// Packs weights (out, channels, kernel, kernel) for inputs with `pixel_stride`
/// bytes from a pixel to the next under the kernel, at least `channels`: then
/// in = kernel * pixel_stride. packed: packed_size() bytes, aligned to 64, for
/// `out` rounded up to kChannelBlock; padding becomes 0.
void pack_conv_gemm(const int8_t *weights, int out, int channels, int kernel,
                    int pixel_stride, int8_t *packed);

/// dst (count, out) = to_bytes (bias + sum over kernel rows r of weights[r] *
/// src[offset[r] ...] + (residual - residual_zero) * residual_scale).
/// residual.data may be null or dst.
void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, ConstPixels residual, Pixels dst);

/// The same without a residual; dst (count, out) = float (sum) *
/// to_bytes.scale.
void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, FloatPixels dst);

}  // namespace fastscnn::int8
