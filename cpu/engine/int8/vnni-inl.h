// SPDX-License-Identifier: LGPL-2.1-or-later
// Included again for every instruction set; see cpu/simd-inl.h.
//
// x86's dot product of 4 bytes, which processors of this target may have in
// addition: then FASTSCNN_VNNI is defined. Put code that uses vnni::Dot between
// FASTSCNN_BEFORE_VNNI() and FASTSCNN_AFTER_VNNI().

#if defined(FASTSCNN_CPU_ENGINE_INT8_VNNI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTSCNN_CPU_ENGINE_INT8_VNNI_INL_H_
#undef FASTSCNN_CPU_ENGINE_INT8_VNNI_INL_H_
#else
#define FASTSCNN_CPU_ENGINE_INT8_VNNI_INL_H_
#endif

#include <cstring>

#include "cpu/engine/int8/instructions.h"
#include "cpu/engine/int8/requantize-inl.h"

#undef FASTSCNN_VNNI
#undef FASTSCNN_BEFORE_VNNI
#undef FASTSCNN_AFTER_VNNI
#if HWY_ARCH_X86_64 && HWY_TARGET <= HWY_AVX3
#define FASTSCNN_VNNI Instructions::kAvx512Vnni
#define FASTSCNN_BEFORE_VNNI() HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
#define FASTSCNN_AFTER_VNNI() HWY_POP_ATTRIBUTES
#elif HWY_ARCH_X86_64 && HWY_TARGET == HWY_AVX2
#define FASTSCNN_VNNI Instructions::kAvxVnni
#define FASTSCNN_BEFORE_VNNI() HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avxvnni")
#define FASTSCNN_AFTER_VNNI() HWY_POP_ATTRIBUTES
#endif

#ifdef FASTSCNN_VNNI
FASTSCNN_BEFORE_VNNI()
namespace fastscnn::int8::HWY_NAMESPACE::vnni {

struct Dot {
  static constexpr bool kSigned = false;

  HWY_INLINE static Sums load(const uint8_t *p) {
    int32_t four;
    std::memcpy(&four, p, sizeof four);
    return hn::Set(Ints(), four);
  }
  HWY_INLINE static Sums load_weights(const int8_t *p) {
    return hn::LoadU(Ints(), reinterpret_cast<const int32_t *>(p));
  }
  HWY_INLINE static Sums dot(Sums sum, Sums x, Sums w) {
#if HWY_TARGET <= HWY_AVX3
    return Sums{_mm512_dpbusd_epi32(sum.raw, x.raw, w.raw)};
#else
    return Sums{_mm256_dpbusd_avx_epi32(sum.raw, x.raw, w.raw)};
#endif
  }
};

}  // namespace fastscnn::int8::HWY_NAMESPACE::vnni
FASTSCNN_AFTER_VNNI()
#endif

#endif
