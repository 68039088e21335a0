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

// Put this before each loop over an array of vectors. Only if all of them are
// unrolled is the array kept in registers, and compilers do not unroll long
// ones by themselves.
#undef FASTSCNN_UNROLL
#if HWY_TARGET == HWY_SCALAR
#define FASTSCNN_UNROLL
#elif HWY_COMPILER_CLANG
#define FASTSCNN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define FASTSCNN_UNROLL _Pragma("GCC unroll 16")
#endif

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
        zero_(hn::Set(Ints(), r.zero - kBits)) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    words_zero_ = _mm512_set1_epi16(static_cast<int16_t>(r.zero));
    bytes_low_ = _mm512_set1_epi8(static_cast<int8_t>(r.low));
#elif HWY_TARGET == HWY_AVX2
    words_zero_ = _mm256_set1_epi16(static_cast<int16_t>(r.zero));
    bytes_low_ = _mm256_set1_epi8(static_cast<int8_t>(r.low));
#endif
  }

  /// Rounds, offsets, clamps and stores sums that were multiplied by the scale.
  HWY_INLINE void store(Vector scaled, uint8_t *dst) const {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    const __m128i bytes = _mm512_cvtepi32_epi8(round(scaled).raw);
    _mm_storeu_si128(reinterpret_cast<__m128i *>(dst), bytes);
#else
    hn::StoreU(hn::DemoteTo(Bytes(), round(scaled)), Bytes(), dst);
#endif
  }

  /// The same for four vectors, `stride` bytes apart.
  HWY_INLINE void store4(Vector a, Vector b, Vector c, Vector d, uint8_t *dst,
                         ptrdiff_t stride) const {
// Packing four at once takes a quarter to half of the instructions.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    const __m512i all = _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
        pack(pack(a, b), pack(c, d)));
    auto at = [=](int i) {
      return reinterpret_cast<__m128i *>(dst + i * stride);
    };
    _mm_storeu_si128(at(0), _mm512_castsi512_si128(all));
    _mm_storeu_si128(at(1), _mm512_extracti32x4_epi32(all, 1));
    _mm_storeu_si128(at(2), _mm512_extracti32x4_epi32(all, 2));
    _mm_storeu_si128(at(3), _mm512_extracti32x4_epi32(all, 3));
#elif HWY_TARGET == HWY_AVX2
    const __m256i all =
        _mm256_permutevar8x32_epi32(pack(pack(a, b), pack(c, d)),
                                    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
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

// Packs four vectors into one of bytes, alternating groups of four lanes: bytes
// 16i to 16i + 15 are lanes 4i to 4i + 3 of each vector. Packing saturates, so
// most of the clamping costs nothing. Values too large to be converted are
// clamped before; values too small become the smallest integer.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  using Packed = __m512i;
  HWY_INLINE Packed pack(Vector a, Vector b) const {
    const __m512i words =
        _mm512_packs_epi32(_mm512_cvtps_epi32(hn::Min(a, high_).raw),
                           _mm512_cvtps_epi32(hn::Min(b, high_).raw));
    return _mm512_adds_epi16(words, words_zero_);
  }
  HWY_INLINE Packed pack(Packed ab, Packed cd) const {
    return _mm512_max_epu8(_mm512_packus_epi16(ab, cd), bytes_low_);
  }
#elif HWY_TARGET == HWY_AVX2
  using Packed = __m256i;
  HWY_INLINE Packed pack(Vector a, Vector b) const {
    const __m256i words =
        _mm256_packs_epi32(_mm256_cvtps_epi32(hn::Min(a, high_).raw),
                           _mm256_cvtps_epi32(hn::Min(b, high_).raw));
    return _mm256_adds_epi16(words, words_zero_);
  }
  HWY_INLINE Packed pack(Packed ab, Packed cd) const {
    return _mm256_max_epu8(_mm256_packus_epi16(ab, cd), bytes_low_);
  }
#endif

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
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  Packed words_zero_, bytes_low_;
#endif
};

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
