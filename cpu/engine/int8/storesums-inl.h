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

// For matrix products, whose vectors have 128 bits.
#if HWY_TARGET != HWY_SCALAR
using Quads = hn::FixedTag<int32_t, 4>;
using Quad = hn::Vec<Quads>;
using Bytes16 = hn::FixedTag<uint8_t, 16>;
#endif

/// Stores the outputs of pixels `begin` to `end`, channels o to o + channels,
/// from their sums, which lie kBlocks * kChannelBlock a pixel.
template <int kBlocks>
HWY_NOINLINE void store_sums(const GemmJob &job, const int32_t *sums, int o,
                             int begin, int end) {
  constexpr int kChannels = kBlocks * kChannelBlock;
  const Tag d;
  const Ints di;
  const ConvGemm &layer = job.layer;
  const Requantizer to_bytes(layer.to_bytes);
  const Sums zero = hn::Set(di, layer.residual_zero);

  for (int c = 0; c < kChannels; c += kLanes) {
    const Vector scale = hn::LoadU(d, layer.to_bytes.scale + o + c);
    const int32_t *from = sums + c;
    if (job.logits.data) {
      float *to = job.logits.data + begin * job.logits.stride + o + c;
      for (int p = begin; p < end; p++, from += kChannels) {
        const Vector sum = hn::ConvertTo(d, hn::Load(di, from));
        hn::StoreU(hn::Mul(sum, scale), d, to);
        to += job.logits.stride;
      }
      continue;
    }
    uint8_t *to = job.dst.data + begin * job.dst.stride + o + c;
    if (!job.residual.data) {
      for (int p = begin; p < end; p++, from += kChannels) {
        const Vector sum = hn::ConvertTo(d, hn::Load(di, from));
        to_bytes.store(hn::Mul(sum, scale), to);
        to += job.dst.stride;
      }
      continue;
    }
    const Sums step = hn::LoadU(di, layer.residual_scale + o + c);
    const uint8_t *residual =
        job.residual.data + begin * job.residual.stride + o + c;
    for (int p = begin; p < end; p++, from += kChannels) {
      const Sums more = hn::Mul(hn::Sub(load_bytes(residual), zero), step);
      const Sums sum = hn::Add(hn::Load(di, from), more);
      to_bytes.store(hn::Mul(hn::ConvertTo(d, sum), scale), to);
      residual += job.residual.stride;
      to += job.dst.stride;
    }
  }
}

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
