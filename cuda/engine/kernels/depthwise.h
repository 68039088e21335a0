// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/vector.h"

namespace fastscnn::cuda {

/// Depthwise 3x3 convolution + bias + activation. An item computes 8 channels
/// of a few neighbouring outputs and reads each input that they share once.
template <typename T, int kStride, int kDilation>
struct Depthwise {
  static constexpr int kOutputs = 4;

  const T *src;       // (src_height, src_width, channels)
  const T *weight;    // (3, 3, channels)
  const float *bias;  // (channels)
  T *dst;             // (height, width, channels of dst_pitch)
  int channels, dst_pitch, src_height, src_width, height, width, padding;
  float low, high;  // of the activation

  FASTSCNN_HD int strips() const { return (width + kOutputs - 1) / kOutputs; }
  FASTSCNN_HD int items() const {
    return height * strips() * (channels / kLanes);
  }

  FASTSCNN_HD void operator()(int item) const {
    const int groups = channels / kLanes;
    const int channel = item % groups * kLanes;
    const int x = item / groups % strips() * kOutputs;
    const int y = item / groups / strips();

    float sum[kOutputs][kLanes];
    load(bias + channel, sum[0]);
    for (int o = 1; o < kOutputs; o++)
      for (int i = 0; i < kLanes; i++) sum[o][i] = sum[0][i];

    FASTSCNN_UNROLL
    for (int ky = 0; ky < 3; ky++)
      add_row(y * kStride - padding + ky * kDilation, x * kStride - padding,
              channel, weight + ky * 3 * channels + channel, sum);

    T *out = dst + (size_t(y) * width + x) * dst_pitch + channel;
    for (int o = 0; o < kOutputs; o++) {
      if (x + o >= width) break;
      for (int i = 0; i < kLanes; i++) sum[o][i] = clamp(sum[o][i], low, high);
      store(out + size_t(o) * dst_pitch, sum[o]);
    }
  }

 private:
  /// Adds one row of the kernel. first: input column of the first output's
  /// first tap. All of the input row is requested before any of it is used, so
  /// that a thread waits for memory once a row and not once a column.
  FASTSCNN_HD void add_row(int src_y, int first, int channel,
                           const T *row_weight,
                           float (&sum)[kOutputs][kLanes]) const {
    constexpr int kReach = (kOutputs - 1) * kStride + 2 * kDilation + 1;
    const bool row_inside = src_y >= 0 && src_y < src_height;
    const T *row = src + (src_y * src_width + first) * channels + channel;
    Raw<T> value[kReach];
    FASTSCNN_UNROLL
    for (int column = 0; column < kReach; column++)
      if (read_by_any(column))
        value[column] = load_raw(
            row + column * channels,
            row_inside && first + column >= 0 && first + column < src_width);
    float w[3][kLanes];
    FASTSCNN_UNROLL
    for (int kx = 0; kx < 3; kx++) load(row_weight + kx * channels, w[kx]);
    FASTSCNN_UNROLL
    for (int column = 0; column < kReach; column++) {
      if (!read_by_any(column)) continue;
      float lanes[kLanes];
      unpack(value[column], lanes);
      FASTSCNN_UNROLL
      for (int o = 0; o < kOutputs; o++) FASTSCNN_UNROLL
      for (int kx = 0; kx < 3; kx++)
        if (o * kStride + kx * kDilation == column)
          for (int i = 0; i < kLanes; i++) sum[o][i] += lanes[i] * w[kx][i];
    }
  }

  FASTSCNN_HD static constexpr bool read_by_any(int column) {
    for (int o = 0; o < kOutputs; o++)
      for (int kx = 0; kx < 3; kx++)
        if (o * kStride + kx * kDilation == column) return true;
    return false;
  }
};

}  // namespace fastscnn::cuda
