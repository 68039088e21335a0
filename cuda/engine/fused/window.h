// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"

namespace fastscnn::cuda::fused {

/// The inputs in shared memory that a depthwise 3x3 convolution reads for kY x
/// kX outputs, and the convolution.
template <int kY, int kX, int kStride, int kDilation>
struct Window {
  static constexpr int kRows = (kY - 1) * kStride + 2 * kDilation + 1;
  static constexpr int kColumns = (kX - 1) * kStride + 2 * kDilation + 1;
  static constexpr int kLines = kRows * kColumns;

  /// The line of an input. With stride 2, even columns come before odd ones,
  /// so that neighbouring lanes read neighbouring lines.
  FASTSCNN_DEVICE static int line(int row, int column) {
    return row * kColumns +
           (kStride == 1 ? column
                         : column % 2 * ((kColumns + 1) / 2) + column / 2);
  }

  /// Starts copies of kWidth channels of the window whose first input is (y, x)
  /// of src (height, width, stride); zeros outside.
  template <int kWidth, int kThreads>
  FASTSCNN_DEVICE static void copy(__half *plane, const __half *src, int height,
                                   int width, int stride, int y, int x) {
    constexpr int kCopies = kWidth / 8;
    FASTSCNN_UNROLL_BY(4)
    for (int i = simt::thread(); i < kLines * kCopies; i += kThreads) {
      const int row = i / kCopies / kColumns, column = i / kCopies % kColumns;
      const int part = i % kCopies * 8;
      const bool inside = unsigned(y + row) < unsigned(height) &&
                          unsigned(x + column) < unsigned(width);
      const size_t pixel = inside ? size_t(y + row) * width + x + column : 0;
      simt::copy_async(plane + line(row, column) * kWidth + part,
                       src + pixel * stride + part, inside);
    }
  }

  /// Computes a lane's part of a plane for outputs (row + i, column): sums in
  /// halves, each input read once. weight: (9, weight_stride), at the plane's
  /// first channel, in shared memory; bias: at the lane's first channel.
  template <int kChannels>
  FASTSCNN_DEVICE static void filter(const __half *plane, const __half *weight,
                                     int weight_stride, const float *bias,
                                     const Range &range, int row, int column,
                                     int q, Part<kChannels> (&out)[4]) {
    constexpr int kWidth = kChannels * 4, kPairs = kChannels / 2;
    constexpr int kReach = 3 * kStride + 2 * kDilation + 1;
    __half2 sum[4][kPairs];
    FASTSCNN_UNROLL
    for (int c = 0; c < kPairs; c += 2) {
      const auto b = *reinterpret_cast<const float4 *>(bias + 2 * c);
      FASTSCNN_UNROLL
      for (int i = 0; i < 4; i++) {
        sum[i][c] = __floats2half2_rn(b.x, b.y);
        sum[i][c + 1] = __floats2half2_rn(b.z, b.w);
      }
    }
    FASTSCNN_UNROLL_BY(1)  // or too many inputs are in registers
    for (int kx = 0; kx < 3; kx++) {
      __half2 w[3][kPairs];
      FASTSCNN_UNROLL
      for (int ky = 0; ky < 3; ky++)
        load<kChannels>(weight + (ky * 3 + kx) * weight_stride + q * kChannels,
                        w[ky]);
      const int first = row * kStride * kColumns + column +
                        (kStride == 1 ? kx * kDilation
                                      : kx % 2 * ((kColumns + 1) / 2) + kx / 2);
      FASTSCNN_UNROLL
      for (int y = 0; y < kReach; y++) {
        if (!is_read(y)) continue;
        __half2 v[kPairs];
        load<kChannels>(plane + (first + y * kColumns) * kWidth + q * kChannels,
                        v);
        FASTSCNN_UNROLL
        for (int i = 0; i < 4; i++) {
          if (!is_tap(y - i * kStride)) continue;
          FASTSCNN_UNROLL
          for (int c = 0; c < kPairs; c++)
            sum[i][c] = simt::fma2(v[c], w[(y - i * kStride) / kDilation][c],
                                   sum[i][c]);
        }
      }
    }
    FASTSCNN_UNROLL
    for (int i = 0; i < 4; i++) {
      FASTSCNN_UNROLL
      for (int c = 0; c < kPairs; c++)
        sum[i][c] = simt::clamp2(sum[i][c], range.low, range.high);
      memcpy(&out[i], sum[i], sizeof out[i]);
    }
  }

 private:
  template <int kChannels>
  FASTSCNN_DEVICE static void load(const __half *p,
                                   __half2 (&v)[kChannels / 2]) {
    const auto part = simt::load_shared<Part<kChannels>>(p);
    memcpy(static_cast<void *>(v), &part, sizeof v);
  }
  /// Whether an output reads the row that lies `offset` rows below its first.
  static constexpr FASTSCNN_DEVICE bool is_tap(int offset) {
    return offset >= 0 && offset <= 2 * kDilation && offset % kDilation == 0;
  }
  static constexpr FASTSCNN_DEVICE bool is_read(int y) {
    return is_tap(y) || is_tap(y - kStride) || is_tap(y - 2 * kStride) ||
           is_tap(y - 3 * kStride);
  }
};

}  // namespace fastscnn::cuda::fused
