// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/convgemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/convgemm.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

constexpr int kVectors = kChannelBlock / kLanes;

// Pixels and blocks of outputs whose sums stay in registers together: 12 of 16
// registers, or 24 of 32, which is enough to hide the latency of a
// multiply-add. Where a vector holds a whole block, two blocks share what is
// read of the pixels.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kSums = 24;
#else
constexpr int kSums = 12;
#endif
constexpr int kBlocks = kVectors == 1 ? 2 : 1;
constexpr int kTile =
    kVectors < kSums ? kSums / (kVectors * kBlocks) : 1;  // pixels

// Pixels that are addressed from one pointer: x86 multiplies an index by 4 and
// by 8.
constexpr int kGroup = 3;

template <int kPixels, int kCount>
HWY_INLINE void tile(const Dense &layer, const float *weights,
                     const float *bias, ConstPixels src,
                     const ptrdiff_t *offset, ConstPixels residual,
                     Pixels dst) {
  constexpr int kGroups = (kPixels + kGroup - 1) / kGroup;
  const Tag d;
  const size_t block = size_t(layer.taps) * layer.in * kChannelBlock;
  const ptrdiff_t step = src.step;
  Vector sum[kPixels][kCount][kVectors];
  for (int p = 0; p < kPixels; p++)
    for (int b = 0; b < kCount; b++)
      for (int v = 0; v < kVectors; v++)
        sum[p][b][v] = hn::Load(d, bias + b * kChannelBlock + v * kLanes);

  for (int t = 0; t < layer.taps; t++) {
    const float *in[kGroups];
    for (int g = 0; g < kGroups; g++)
      in[g] = src.data + offset[t] + g * kGroup * step;
    for (int k = 0; k < layer.in; k++, weights += kChannelBlock) {
      Vector w[kCount][kVectors];
      for (int b = 0; b < kCount; b++)
        for (int v = 0; v < kVectors; v++)
          w[b][v] = hn::Load(d, weights + b * block + v * kLanes);
      for (int p = 0; p < kPixels; p++) {
        const Vector x = hn::Set(d, in[p / kGroup][p % kGroup * step]);
        for (int b = 0; b < kCount; b++)
          for (int v = 0; v < kVectors; v++)
            sum[p][b][v] = hn::MulAdd(x, w[b][v], sum[p][b][v]);
      }
      for (const float *&group : in) group++;
    }
  }

  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  for (int p = 0; p < kPixels; p++)
    for (int b = 0; b < kCount; b++)
      for (int v = 0; v < kVectors; v++) {
        const int o = b * kChannelBlock + v * kLanes;
        Vector s = sum[p][b][v];
        if (residual.data)
          s = hn::Add(s, hn::Load(d, residual.data + p * residual.step + o));
        s = hn::Min(hn::Max(s, low), high);
        hn::Store(s, d, dst.data + p * dst.step + o);
      }
}

/// The last pixels, fewer than kTile.
template <int kPixels, int kCount>
HWY_INLINE void remainder(int count, const Dense &layer, const float *weights,
                          const float *bias, ConstPixels src,
                          const ptrdiff_t *offset, ConstPixels residual,
                          Pixels dst) {
  if (count == kPixels)
    tile<kPixels, kCount>(layer, weights, bias, src, offset, residual, dst);
  else if constexpr (kPixels > 1)
    remainder<kPixels - 1, kCount>(count, layer, weights, bias, src, offset,
                                   residual, dst);
}

/// kCount blocks of outputs, from output `o` on, of all pixels.
template <int kCount>
void blocks(const Dense &layer, int o, ConstPixels src, const ptrdiff_t *offset,
            int count, ConstPixels residual, Pixels dst) {
  const float *weights = layer.weights + size_t(o) * layer.taps * layer.in;
  const float *bias = layer.bias + o;
  if (residual.data) residual.data += o;
  dst.data += o;
  int p = 0;
  auto at = [&p](auto pixels) {
    if (pixels.data) pixels.data += pixels.step * p;
    return pixels;
  };
  for (; p + kTile <= count; p += kTile)
    tile<kTile, kCount>(layer, weights, bias, at(src), offset, at(residual),
                        at(dst));
  if (p < count)
    remainder<kTile - 1, kCount>(count - p, layer, weights, bias, at(src),
                                 offset, at(residual), at(dst));
}

void run(const Dense &layer, ConstPixels src, const ptrdiff_t *offset,
         int count, ConstPixels residual, Pixels dst) {
  int o = 0;
  for (; o + kBlocks * kChannelBlock <= layer.out; o += kBlocks * kChannelBlock)
    blocks<kBlocks>(layer, o, src, offset, count, residual, dst);
  if (o < layer.out) blocks<1>(layer, o, src, offset, count, residual, dst);
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
