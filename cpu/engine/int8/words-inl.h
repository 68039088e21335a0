// SPDX-License-Identifier: LGPL-2.1-or-later
// Included again for every instruction set; see cpu/simd-inl.h.

#if defined(FASTSCNN_CPU_ENGINE_INT8_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTSCNN_CPU_ENGINE_INT8_WORDS_INL_H_
#undef FASTSCNN_CPU_ENGINE_INT8_WORDS_INL_H_
#else
#define FASTSCNN_CPU_ENGINE_INT8_WORDS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "cpu/simd.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Interpolation of bytes in 16 bits; see upsample.h.
using Words = hn::CappedTag<int16_t, kChannelBlock>;
using WordBytes = hn::Rebind<uint8_t, Words>;
using WordVector = hn::Vec<Words>;

constexpr int kWordLanes = hn::MaxLanes(Words());

/// 128 * bytes.
HWY_INLINE WordVector to_words(hn::Vec<WordBytes> bytes) {
  return hn::ShiftLeft<7>(hn::PromoteTo(Words(), bytes));
}

/// a + (b - a) * weight / 2^15, rounded to nearest, halves up. For a FixedTap,
/// weight is 16 * tap.weight.
HWY_INLINE WordVector lerp(WordVector a, WordVector b, WordVector weight) {
  return hn::Add(a, hn::MulFixedPoint15(hn::Sub(b, a), weight));
}

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
