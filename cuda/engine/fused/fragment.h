// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <type_traits>

#include "cuda/kernel.h"
#include "cuda/simt.h"
#include "net/fastscnn.h"

/// How the fused kernels keep tensors in shared memory, and how they multiply
/// them.
///
/// A tile consists of planes of 32 channels. A plane has a line of 32 halves
/// for each pixel (or, of weights, for each output): 64 bytes, 16 for each of
/// the four lanes (r, 0) to (r, 3) of a warp. Eight consecutive lines r fill
/// the banks of shared memory exactly four times, so there are no bank
/// conflicts, and no need for ldmatrix. If 16 channels are left, the last plane
/// has lines of 16 halves.
///
/// A product may take its inputs in any order. So lane (r, q) multiplies
/// channels 8q to 8q + 7 of pixel r, in the order in which it reads them. The
/// outputs are assigned to columns such that the same lane computes channels 8q
/// to 8q + 7 of 32 outputs (column_channel): results are in the same layout,
/// and become inputs of the next product without an exchange.
namespace fastscnn::cuda::fused {

constexpr int kPlane = 32;

/// The channels of a pixel that a lane holds: 8, or 4 of a plane of 16.
template <int kChannels>
using Part = std::conditional_t<kChannels == 8, uint4, uint2>;

struct Lane {
  FASTSCNN_DEVICE Lane()
      : warp(simt::thread() / 32),
        r(simt::thread() % 32 / 4),
        q(simt::thread() % 4) {}
  int warp, r, q;
};

/// The range of an activation.
struct Range {
  FASTSCNN_DEVICE Range(float low, float high)
      : low(__float2half2_rn(low)), high(__float2half2_rn(high)) {}
  __half2 low, high;
};
constexpr Clamp kNoClamp = {};

/// Rounds to halves and applies an activation.
FASTSCNN_DEVICE uint32_t pack(float x, float y, const Range &range) {
  const __half2 halves =
      simt::clamp2(__floats2half2_rn(x, y), range.low, range.high);
  uint32_t bits;
  memcpy(&bits, &halves, sizeof bits);
  return bits;
}

/// The output channel that column n computes in the tile-th of `tiles` products
/// of eight columns. Tiles form groups of four, then of two, then of one.
constexpr FASTSCNN_DEVICE int column_channel(int tiles, int tile, int n) {
  const int fours = tiles / 4 * 4, twos = tiles / 2 * 2;
  const int first = tile < fours ? tile / 4 * 4 : tile < twos ? fours : twos;
  const int group = tile < fours ? 4 : tile < twos ? 2 : 1;
  return first * 8 + n / 2 * group * 2 + (tile - first) * 2 + n % 2;
}

/// d += a * b over 32 or 16 channels, by a warp. a: pixels r (low) and r + 8
/// (high); b: the output in column r.
FASTSCNN_DEVICE void multiply(const uint4 &low, const uint4 &high,
                              const uint4 &b, float (&d)[4]) {
  const uint32_t first[4] = {low.x, high.x, low.y, high.y};
  const uint32_t second[4] = {low.z, high.z, low.w, high.w};
  simt::mma(d, first, b.x, b.y);
  simt::mma(d, second, b.z, b.w);
}
FASTSCNN_DEVICE void multiply(const uint2 &low, const uint2 &high,
                              const uint2 &b, float (&d)[4]) {
  const uint32_t a[4] = {low.x, high.x, low.y, high.y};
  simt::mma(d, a, b.x, b.y);
}

/// Copies a part that was loaded at once and is read by several products. A
/// product needs words of two parts in adjacent registers, but a load puts
/// those of one part there; ptxas would move them before every product.
FASTSCNN_DEVICE uint4 in_own_registers(const uint4 &part) {
  return {simt::copy_register(part.x), simt::copy_register(part.y),
          simt::copy_register(part.z), simt::copy_register(part.w)};
}

/// Starts copies of `lines` lines of kWidth halves that are `stride` apart.
template <int kWidth, int kThreads>
FASTSCNN_DEVICE void copy_lines(__half *shared, const __half *global, int lines,
                                int stride) {
  constexpr int kCopies = kWidth / 8;  // of 16 bytes, for each line
  for (int i = simt::thread(); i < lines * kCopies; i += kThreads)
    simt::copy_async(shared + i * 8,
                     global + size_t(i / kCopies) * stride + i % kCopies * 8,
                     true);
}

/// Starts copies of the weights (lines, kIn) of a product to planes.
template <int kIn, int kThreads>
FASTSCNN_DEVICE void copy_planes(__half *shared, const __half *global,
                                 int lines, int stride) {
  for (int c = 0; c + kPlane <= kIn; c += kPlane)
    copy_lines<kPlane, kThreads>(shared + c * lines, global + c, lines, stride);
  if constexpr (kIn % kPlane != 0)
    copy_lines<kIn % kPlane, kThreads>(shared + kIn / kPlane * kPlane * lines,
                                       global + kIn / kPlane * kPlane, lines,
                                       stride);
}

}  // namespace fastscnn::cuda::fused
