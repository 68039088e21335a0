// SPDX-License-Identifier: LGPL-2.1-or-later
// Included again for every instruction set; see cpu/simd-inl.h.

#if defined(FASTSCNN_CPU_ENGINE_INT8_STORESUMS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef FASTSCNN_CPU_ENGINE_INT8_STORESUMS_INL_H_
#undef FASTSCNN_CPU_ENGINE_INT8_STORESUMS_INL_H_
#else
#define FASTSCNN_CPU_ENGINE_INT8_STORESUMS_INL_H_
#endif

#include "cpu/engine/int8/gemmjob.h"
#include "cpu/engine/int8/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {

// 128-bit vectors for matrix products.
#if HWY_TARGET != HWY_SCALAR
using Quads = hn::FixedTag<int32_t, 4>;
using Quad = hn::Vec<Quads>;
using Bytes16 = hn::FixedTag<uint8_t, 16>;
#endif

/// Stores the outputs of pixels `begin` to `end` - 1, kBlocks blocks of
/// channels from channel o on. sums: those of pixel `begin`, then the others;
/// kBlocks * kChannelBlock per pixel.
template <int kBlocks>
HWY_NOINLINE void store_sums(const GemmJob &job, const int32_t *sums, int o,
                             int begin, int end) {
  constexpr int kChannels = kBlocks * kChannelBlock;
  const Tag d;
  const Ints di;
  const ConvGemm &layer = job.layer;
  const Requantizer to_bytes(layer.to_bytes);
  const Sums zero = hn::Set(di, layer.residual_zero);
  const int count = end - begin;

  for (int c = 0; c < kChannels; c += kLanes) {
    const Vector scale = hn::LoadU(d, layer.to_bytes.scale + o + c);
    auto scaled = [&](int p) HWY_ATTR {
      return hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + p * kChannels + c)),
                     scale);
    };
    if (job.logits.data) {
      const ptrdiff_t stride = job.logits.stride;
      float *dst = job.logits.data + begin * stride + o + c;
      for (int p = 0; p < count; p++)
        hn::StoreU(scaled(p), d, dst + p * stride);
      continue;
    }
    const ptrdiff_t stride = job.dst.stride;
    uint8_t *dst = job.dst.data + begin * stride + o + c;
    if (job.residual.data) {
      const Sums step = hn::LoadU(di, layer.residual_scale + o + c);
      const uint8_t *residual =
          job.residual.data + begin * job.residual.stride + o + c;
      for (int p = 0; p < count; p++) {
        const Sums r = load_bytes(residual + p * job.residual.stride);
        const Sums sum = hn::Add(hn::LoadU(di, sums + p * kChannels + c),
                                 hn::Mul(hn::Sub(r, zero), step));
        to_bytes.store(hn::Mul(hn::ConvertTo(d, sum), scale), dst + p * stride);
      }
      continue;
    }
    int p = 0;
    for (; p + 4 <= count; p += 4)
      to_bytes.store4(scaled(p), scaled(p + 1), scaled(p + 2), scaled(p + 3),
                      dst + p * stride, stride);
    for (; p < count; p++) to_bytes.store(scaled(p), dst + p * stride);
  }
}

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
