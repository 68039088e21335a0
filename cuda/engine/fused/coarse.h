// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"
#include "net/taps.h"

namespace fastscnn::cuda::fused {

/// Interpolation of coarse features to four times their size, along one axis.
struct Upsampling {
  int size;             // of the result; a multiple of four
  float scale, offset;  // to positions among the coarse features

  FASTSCNN_DEVICE int coarse_size() const { return size / 4; }
  /// The first coarse position that results at `at` and after it read.
  FASTSCNN_DEVICE int first(int at) const { return tap(at < 0 ? 0 : at).first; }
  FASTSCNN_DEVICE Tap tap(int at) const {
    return tap_at(at * scale + offset, coarse_size());
  }
};

/// The coarse features, in shared memory, from which a window of kHeight x
/// kWidth is interpolated.
template <int kHeight, int kWidth, int kChannels, int kThreads>
struct Coarse {
  static constexpr int kRows = (kHeight - 1) / 4 + 3;
  static constexpr int kColumns = (kWidth - 1) / 4 + 3;

  __half value[kRows * kColumns * kChannels];  // (kRows, kColumns, kChannels)
  Tap row[kHeight], column[kWidth];            // in value; second -1: outside

  /// Sets row and column for a window that starts at (y, x), maybe outside.
  FASTSCNN_DEVICE void find_taps(const Upsampling &axis_y,
                                 const Upsampling &axis_x, int y, int x) {
    for (int i = simt::thread(); i < kHeight; i += kThreads)
      row[i] = find_tap(axis_y, y, i);
    for (int i = simt::thread(); i < kWidth; i += kThreads)
      column[i] = find_tap(axis_x, x, i);
  }

  /// Starts the copies from src (height, width, kChannels).
  FASTSCNN_DEVICE void copy(const __half *src, const Upsampling &axis_y,
                            const Upsampling &axis_x, int y, int x) {
    constexpr int kCopies = kChannels / 8;
    const int height = axis_y.coarse_size(), width = axis_x.coarse_size();
    const int first_y = axis_y.first(y), first_x = axis_x.first(x);
    FASTSCNN_UNROLL_BY(4)
    for (int i = simt::thread(); i < kRows * kColumns * kCopies;
         i += kThreads) {
      const int src_y = first_y + i / kCopies / kColumns;
      const int src_x = first_x + i / kCopies % kColumns;
      const bool inside = src_y < height && src_x < width;
      const size_t pixel = inside ? size_t(src_y) * width + src_x : 0;
      simt::copy_async(value + i * 8, src + pixel * kChannels + i % kCopies * 8,
                       inside);
    }
  }

  /// Computes 32 channels of the window; zeros outside, as padding.
  FASTSCNN_DEVICE void interpolate(int channel, __half *plane) const {
    FASTSCNN_UNROLL_BY(1)  // or too many inputs are in registers
    for (int i = simt::thread(); i < kHeight * kWidth * 4; i += kThreads) {
      const int line = i / 4, part = i % 4 * 8;
      const Tap y = row[line / kWidth], x = column[line % kWidth];
      __half2 a[4], b[4], c[4], d[4];
      load(channel + part, y.first, x.first, a);
      load(channel + part, y.first, inside(x.second), b);
      load(channel + part, inside(y.second), x.first, c);
      load(channel + part, inside(y.second), inside(x.second), d);
      const __half2 weight_x = __float2half2_rn(x.weight);
      const __half2 weight_y = __float2half2_rn(y.weight);
      FASTSCNN_UNROLL
      for (int k = 0; k < 4; k++)
        a[k] = lerp2(lerp2(a[k], b[k], weight_x), lerp2(c[k], d[k], weight_x),
                     weight_y);
      uint4 result;
      memcpy(&result, a, sizeof result);
      if (y.second < 0 || x.second < 0) result = {};
      simt::store_shared(plane + line * kPlane + part, result);
    }
  }

 private:
  FASTSCNN_DEVICE static Tap find_tap(const Upsampling &axis, int from,
                                      int offset) {
    const int at = from + offset, first = axis.first(from);
    if (unsigned(at) >= unsigned(axis.size)) return {0, -1, 0.f};
    const Tap tap = axis.tap(at);
    return {tap.first - first, tap.second - first, tap.weight};
  }
  FASTSCNN_DEVICE static int inside(int second) {
    return second < 0 ? 0 : second;
  }
  FASTSCNN_DEVICE void load(int channel, int y, int x, __half2 (&v)[4]) const {
    const auto part = simt::load_shared<uint4>(
        value + (y * kColumns + x) * kChannels + channel);
    memcpy(static_cast<void *>(v), &part, sizeof v);
  }
  FASTSCNN_DEVICE static __half2 lerp2(__half2 a, __half2 b, __half2 weight) {
    const __half2 minus = __float2half2_rn(-1.f);
    return simt::fma2(weight, simt::fma2(a, minus, b), a);
  }
};

}  // namespace fastscnn::cuda::fused
