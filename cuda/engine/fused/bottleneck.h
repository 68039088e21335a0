// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/fragment.h"
#include "cuda/vector.h"

/// The two products of an inverted residual, which six warps compute: warp % 3
/// selects the outputs, warp / 3 the pixels.
namespace fastscnn::cuda::fused {

FASTSCNN_DEVICE int last_if_beyond(int i, int count) {
  return i < count ? i : count - 1;
}

/// The first product: 96 channels of kLines pixels. Its weights stay in
/// registers. Pixels outside of the image become zero, as the depthwise
/// convolution needs them for padding.
template <int kIn, int kLines>
FASTSCNN_DEVICE void expand_pixels(const __half *inputs, const uint8_t *inside,
                                   const __half *weight, const float *bias,
                                   int outputs, const Range &range,
                                   const Lane &lane, __half *middle) {
  const int plane = lane.warp % 3;
  uint4 b[kIn / kPlane][4];
  float2 start[4];
  FASTSCNN_UNROLL
  for (int t = 0; t < 4; t++) {
    const int output = plane * kPlane + column_channel(4, t, lane.r);
    FASTSCNN_UNROLL
    for (int k = 0; k < kIn / kPlane; k++)
      b[k][t] = simt::load_shared<uint4>(
          weight + (k * outputs + output) * kPlane + lane.q * 8);
    start[t] = simt::load_shared<float2>(bias + plane * kPlane +
                                         column_channel(4, t, 2 * lane.q));
  }
  FASTSCNN_UNROLL_BY(1)
  for (int m = lane.warp / 3; m * 16 < kLines; m += 2) {
    const int first = m * 16 + lane.r;
    const int line[2] = {last_if_beyond(first, kLines),
                         last_if_beyond(first + 8, kLines)};
    float sum[4][4];
    FASTSCNN_UNROLL
    for (int t = 0; t < 4; t++) {
      sum[t][0] = sum[t][2] = start[t].x;
      sum[t][1] = sum[t][3] = start[t].y;
    }
    FASTSCNN_UNROLL
    for (int k = 0; k < kIn / kPlane; k++) {
      const __half *a = inputs + k * kLines * kPlane + lane.q * 8;
      const uint4 low =
          in_own_registers(simt::load_shared<uint4>(a + line[0] * kPlane));
      const uint4 high =
          in_own_registers(simt::load_shared<uint4>(a + line[1] * kPlane));
      FASTSCNN_UNROLL
      for (int t = 0; t < 4; t++) multiply(low, high, b[k][t], sum[t]);
    }
    FASTSCNN_UNROLL
    for (int i = 0; i < 2; i++) {
      if (first + 8 * i >= kLines) break;
      uint4 part = {};
      if (inside[line[i]])
        part = {pack(sum[0][2 * i], sum[0][2 * i + 1], range),
                pack(sum[1][2 * i], sum[1][2 * i + 1], range),
                pack(sum[2][2 * i], sum[2][2 * i + 1], range),
                pack(sum[3][2 * i], sum[3][2 * i + 1], range)};
      simt::store_shared(
          middle + (plane * kLines + line[i]) * kPlane + lane.q * 8, part);
    }
  }
}

/// The last product: kOut channels of 8x8 pixels, from kIn channels at a time.
template <int kOut, int kIn>
class Projection {
 public:
  /// For keep(). Four unused floats per tile avoid bank conflicts in total().
  static constexpr int kTiles = kOut / 8, kPixels = 64;
  static constexpr int kSumStride = kPixels * 8 + 4;
  static constexpr int kSums = kTiles * kSumStride;

  /// Adds the products of a and b, in planes.
  FASTSCNN_DEVICE void add(const __half *a, const __half *b, const Lane &lane) {
    FASTSCNN_UNROLL
    for (int k = 0; k < kIn / kPlane; k++) {
      uint4 rows[4];
      FASTSCNN_UNROLL
      for (int i = 0; i < 4; i++)
        rows[i] = in_own_registers(simt::load_shared<uint4>(
            a + (k * kPixels + line(lane, i)) * kPlane + lane.q * 8));
      FASTSCNN_UNROLL
      for (int t = 0; t < kTilesEach; t++) {
        if (tile(lane, t) >= kTiles) break;
        const auto column = simt::load_shared<uint4>(
            b + (k * kOut + tile(lane, t) * 8 + lane.r) * kPlane + lane.q * 8);
        multiply(rows[0], rows[1], column, sum_[0][t]);
        multiply(rows[2], rows[3], column, sum_[1][t]);
      }
    }
  }

  /// Writes the sums to shared memory, for total().
  FASTSCNN_DEVICE void keep(float *sums, const Lane &lane) const {
    FASTSCNN_UNROLL
    for (int t = 0; t < kTilesEach; t++) {
      if (tile(lane, t) >= kTiles) break;
      FASTSCNN_UNROLL
      for (int i = 0; i < 4; i++)
        simt::store_shared(
            sums + tile(lane, t) * kSumStride + line(lane, i) * 8 + lane.q * 2,
            float2{sum_[i / 2][t][i % 2 * 2], sum_[i / 2][t][i % 2 * 2 + 1]});
    }
  }

  /// A part is eight channels of a pixel. Parts 2i and 2i + 1 are neighbours in
  /// the same pixel.
  static constexpr int kParts = kTiles * kPixels;
  FASTSCNN_DEVICE static int pixel(int part) { return part / 2 % kPixels; }
  FASTSCNN_DEVICE static int channel(int part) {
    return (part / (2 * kPixels) * 2 + part % 2) * 8;
  }
  /// Adds up a part of the sums that the blocks of the cluster have kept.
  template <int kBlocks>
  FASTSCNN_DEVICE static void total(const float *sums, int part,
                                    float (&value)[kLanes]) {
    sums += channel(part) / 8 * kSumStride + pixel(part) * 8;
    FASTSCNN_UNROLL
    for (int rank = 0; rank < kBlocks; rank++) {
      const float *from = kBlocks > 1 ? simt::shared_of(rank, sums) : sums;
      float other[kLanes];
      unpack(Raw<float>{{simt::load_shared<uint4>(from),
                         simt::load_shared<uint4>(from + 4)}},
             other);
      FASTSCNN_UNROLL
      for (int c = 0; c < kLanes; c++)
        value[c] = rank == 0 ? other[c] : value[c] + other[c];
    }
  }

 private:
  static constexpr int kTilesEach = (kTiles + 2) / 3;

  FASTSCNN_DEVICE static int tile(const Lane &lane, int t) {
    return lane.warp % 3 * kTilesEach + t;
  }
  /// The line of the i-th of the four pixels of a lane.
  FASTSCNN_DEVICE static int line(const Lane &lane, int i) {
    return (lane.warp / 3 * 4 + i) * 8 + lane.r;
  }

  float sum_[2][kTilesEach][4] = {};
};

}  // namespace fastscnn::cuda::fused
