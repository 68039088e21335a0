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

// A tile is kTile pixels by kBlocks blocks of output channels. Its sums stay in
// registers, 12 of 16 or 24 of 32, which hides the latency of a multiply-add.
// If a vector holds a whole block, two blocks share each load of a pixel.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kSums = 24;
#else
constexpr int kSums = 12;
#endif
constexpr int kBlocks = kVectors == 1 ? 2 : 1;
constexpr int kTile = kVectors < kSums ? kSums / (kVectors * kBlocks) : 1;

// Pixels addressed from one pointer: x86 scales an index by 1, 2, 4 or 8, so a
// fourth one would need another register.
constexpr int kGroup = 3;

template <int kPixels, int kCount>
HWY_INLINE void tile(const ConvGemm &layer, const float *weights,
                     const float *bias, ConstPixels src,
                     const ptrdiff_t *offset, ConstPixels residual,
                     Pixels dst) {
  constexpr int kGroups = (kPixels + kGroup - 1) / kGroup;
  const Tag d;
  const size_t block = size_t(layer.kernel_rows) * layer.in * kChannelBlock;
  const ptrdiff_t stride = src.stride;
  Vector sum[kPixels][kCount][kVectors];
  for (int p = 0; p < kPixels; p++)
    for (int b = 0; b < kCount; b++)
      for (int v = 0; v < kVectors; v++)
        sum[p][b][v] = hn::Load(d, bias + b * kChannelBlock + v * kLanes);

  for (int r = 0; r < layer.kernel_rows; r++) {
    const float *in[kGroups];
    for (int g = 0; g < kGroups; g++)
      in[g] = src.data + offset[r] + g * kGroup * stride;
    for (int k = 0; k < layer.in; k++, weights += kChannelBlock) {
      Vector w[kCount][kVectors];
      for (int b = 0; b < kCount; b++)
        for (int v = 0; v < kVectors; v++)
          w[b][v] = hn::Load(d, weights + b * block + v * kLanes);
      for (int p = 0; p < kPixels; p++) {
        const Vector x = hn::Set(d, in[p / kGroup][p % kGroup * stride]);
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
          s = hn::Add(s, hn::Load(d, residual.data + p * residual.stride + o));
        s = hn::Min(hn::Max(s, low), high);
        hn::Store(s, d, dst.data + p * dst.stride + o);
      }
}

/// Computes the last pixels, fewer than kTile.
template <int kPixels, int kCount>
HWY_INLINE void remainder(int count, const ConvGemm &layer,
                          const float *weights, const float *bias,
                          ConstPixels src, const ptrdiff_t *offset,
                          ConstPixels residual, Pixels dst) {
  if (count == kPixels)
    tile<kPixels, kCount>(layer, weights, bias, src, offset, residual, dst);
  else if constexpr (kPixels > 1)
    remainder<kPixels - 1, kCount>(count, layer, weights, bias, src, offset,
                                   residual, dst);
}

/// Computes kCount blocks of output channels, from channel `o` on, of all
/// pixels.
template <int kCount>
void blocks(const ConvGemm &layer, int o, ConstPixels src,
            const ptrdiff_t *offset, int count, ConstPixels residual,
            Pixels dst) {
  const float *weights =
      layer.weights + size_t(o) * layer.kernel_rows * layer.in;
  const float *bias = layer.bias + o;
  if (residual.data) residual.data += o;
  dst.data += o;
  int p = 0;
  auto at = [&p](auto pixels) {
    if (pixels.data) pixels.data += pixels.stride * p;
    return pixels;
  };
  for (; p + kTile <= count; p += kTile)
    tile<kTile, kCount>(layer, weights, bias, at(src), offset, at(residual),
                        at(dst));
  if (p < count)
    remainder<kTile - 1, kCount>(count - p, layer, weights, bias, at(src),
                                 offset, at(residual), at(dst));
}

void run(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
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

void conv_gemm(const ConvGemm &layer, ConstPixels src, const ptrdiff_t *offset,
               int count, ConstPixels residual, Pixels dst) {
  HWY_DYNAMIC_DISPATCH(run)(layer, src, offset, count, residual, dst);
}

}  // namespace fastscnn
#endif
