// SPDX-License-Identifier: LGPL-2.1-or-later
// Included again for every instruction set; see cpu/simd-inl.h.

#if defined(FASTSCNN_CPU_ENGINE_INT8_REQUANTIZE_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef FASTSCNN_CPU_ENGINE_INT8_REQUANTIZE_INL_H_
#undef FASTSCNN_CPU_ENGINE_INT8_REQUANTIZE_INL_H_
#else
#define FASTSCNN_CPU_ENGINE_INT8_REQUANTIZE_INL_H_
#endif

#include "cpu/engine/int8/tensors.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using fastscnn::HWY_NAMESPACE::Ints;
using fastscnn::HWY_NAMESPACE::kLanes;
using fastscnn::HWY_NAMESPACE::Tag;
using fastscnn::HWY_NAMESPACE::Vector;

using Bytes = hn::Rebind<uint8_t, Ints>;
using Sums = hn::Vec<Ints>;

HWY_INLINE Sums load_bytes(const uint8_t *p) {
  return hn::PromoteTo(Ints(), hn::LoadU(Bytes(), p));
}

/// See Requantization.
class Requantizer {
 public:
  HWY_INLINE explicit Requantizer(const Requantization &r)
      : low_(hn::Set(Tag(), float(r.low - r.zero))),
        high_(hn::Set(Tag(), float(r.high - r.zero))),
        zero_(hn::Set(Ints(), r.zero - kBits)) {}

  /// Rounds, offsets, clamps and stores sums that were multiplied by the scale.
  HWY_INLINE void store(Vector scaled, uint8_t *dst) const {
    hn::StoreU(hn::DemoteTo(Bytes(), round(scaled)), Bytes(), dst);
  }

  /// The same for four vectors, `stride` bytes apart.
  HWY_INLINE void store4(Vector a, Vector b, Vector c, Vector d, uint8_t *dst,
                         ptrdiff_t stride) const {
#if HWY_TARGET == HWY_AVX2
    // Packing four at once takes a quarter of the instructions.
    const __m256i ab = _mm256_packs_epi32(round(a).raw, round(b).raw);
    const __m256i cd = _mm256_packs_epi32(round(c).raw, round(d).raw);
    const __m256i all = _mm256_permutevar8x32_epi32(
        _mm256_packus_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m128i low = _mm256_castsi256_si128(all);
    const __m128i high = _mm256_extracti128_si256(all, 1);
    auto at = [=](int i) {
      return reinterpret_cast<double *>(dst + i * stride);
    };
    _mm_storel_pd(at(0), _mm_castsi128_pd(low));
    _mm_storeh_pd(at(1), _mm_castsi128_pd(low));
    _mm_storel_pd(at(2), _mm_castsi128_pd(high));
    _mm_storeh_pd(at(3), _mm_castsi128_pd(high));
#else
    store(a, dst);
    store(b, dst + stride);
    store(c, dst + 2 * stride);
    store(d, dst + 3 * stride);
#endif
  }

 private:
  HWY_INLINE Sums round(Vector scaled) const {
    // Adding kRound leaves the nearest whole number in the lower bits. Clamping
    // first gives the same result and keeps it in range; it also keeps
    // compilers from fusing the multiplication with the addition.
    const Vector v = hn::Min(hn::Max(scaled, low_), high_);
    const Vector rounded = hn::Add(v, hn::Set(Tag(), kRound));
    return hn::Add(hn::BitCast(Ints(), rounded), zero_);
  }

  static constexpr float kRound = 3 << 22;
  static constexpr int32_t kBits = 0x4b400000;  // of kRound

  Vector low_, high_;
  Sums zero_;
};

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
