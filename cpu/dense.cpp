// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/dense.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/dense.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

constexpr int kVectors = kChannelBlock / kLanes;

// Pixels whose sums stay in registers together: 12 of 16 registers, or 24 of
// 32, which is enough to hide the latency of a multiply-add.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kTile = 24 / kVectors;
#else
constexpr int kTile = kVectors < 12 ? 12 / kVectors : 1;
#endif

template <int kPixels>
HWY_INLINE void tile(const Dense &layer, const float *weights,
                     const float *bias, ConstPixels src,
                     const ptrdiff_t *offset, ConstPixels residual,
                     Pixels dst) {
  const Tag d;
  Vector sum[kPixels][kVectors];
  for (int p = 0; p < kPixels; p++)
    for (int v = 0; v < kVectors; v++)
      sum[p][v] = hn::Load(d, bias + v * kLanes);

  for (int t = 0; t < layer.taps; t++) {
    const float *in[kPixels];
    for (int p = 0; p < kPixels; p++)
      in[p] = src.data + offset[t] + p * src.step;
    for (int k = 0; k < layer.in; k++, weights += kChannelBlock) {
      Vector w[kVectors];
      for (int v = 0; v < kVectors; v++)
        w[v] = hn::Load(d, weights + v * kLanes);
      for (int p = 0; p < kPixels; p++) {
        const Vector x = hn::Set(d, in[p][k]);
        for (int v = 0; v < kVectors; v++)
          sum[p][v] = hn::MulAdd(x, w[v], sum[p][v]);
      }
    }
  }

  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  for (int p = 0; p < kPixels; p++)
    for (int v = 0; v < kVectors; v++) {
      Vector s = sum[p][v];
      if (residual.data)
        s = hn::Add(
            s, hn::Load(d, residual.data + p * residual.step + v * kLanes));
      s = hn::Min(hn::Max(s, low), high);
      hn::Store(s, d, dst.data + p * dst.step + v * kLanes);
    }
}

/// The last pixels, fewer than kTile.
template <int kPixels>
HWY_INLINE void remainder(int count, const Dense &layer, const float *weights,
                          const float *bias, ConstPixels src,
                          const ptrdiff_t *offset, ConstPixels residual,
                          Pixels dst) {
  if (count == kPixels)
    tile<kPixels>(layer, weights, bias, src, offset, residual, dst);
  else if constexpr (kPixels > 1)
    remainder<kPixels - 1>(count, layer, weights, bias, src, offset, residual,
                           dst);
}

void run(const Dense &layer, ConstPixels src, const ptrdiff_t *offset,
         int count, ConstPixels residual, Pixels dst) {
  const size_t block = size_t(layer.taps) * layer.in * kChannelBlock;
  for (int o = 0; o < layer.out; o += kChannelBlock) {
    const float *weights = layer.weights + o / kChannelBlock * block;
    const float *bias = layer.bias + o;
    const ConstPixels add = {residual.data ? residual.data + o : nullptr,
                             residual.step};
    const Pixels out = {dst.data + o, dst.step};
    int p = 0;
    auto at = [&p](auto pixels) {
      if (pixels.data) pixels.data += pixels.step * p;
      return pixels;
    };
    for (; p + kTile <= count; p += kTile)
      tile<kTile>(layer, weights, bias, at(src), offset, at(add), at(out));
    if (p < count)
      remainder<kTile - 1>(count - p, layer, weights, bias, at(src), offset,
                           at(add), at(out));
  }
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {

HWY_EXPORT(run);

void dense(const Dense &layer, ConstPixels src, const ptrdiff_t *offset,
           int count, ConstPixels residual, Pixels dst) {
  HWY_DYNAMIC_DISPATCH(run)(layer, src, offset, count, residual, dst);
}

}  // namespace fastscnn
#endif
