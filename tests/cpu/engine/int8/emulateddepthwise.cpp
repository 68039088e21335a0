// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cpu/engine/int8/emulateddepthwise.h"

#include <algorithm>

#include "tests/support/byteinstructions.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/cpu/engine/int8/emulateddepthwise.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2

struct Dot {
  static Sums load_weights(const int8_t *p) {
    return hn::LoadU(Ints(), reinterpret_cast<const int32_t *>(p));
  }
  static Sums dot(Sums sum, Sums x, Sums w) {
    HWY_ALIGN int32_t sums[kLanes], bytes[kLanes], weights[kLanes];
    hn::Store(sum, Ints(), sums);
    hn::Store(x, Ints(), bytes);
    hn::Store(w, Ints(), weights);
    for (size_t i = 0; i < kLanes; i++)
      sums[i] = testing::dpbusd(sums[i], reinterpret_cast<uint8_t *>(bytes + i),
                                reinterpret_cast<int8_t *>(weights + i));
    return hn::Load(Ints(), sums);
  }
};

// Emulated vectors are not in registers, so unrolling gains nothing.
#undef FASTSCNN_UNROLL
#define FASTSCNN_UNROLL
#include "cpu/engine/int8/dotsums-inl.h"
#include "cpu/engine/int8/dotdepthwise-inl.h"

bool run(const Depthwise &layer, const DepthwiseRows &rows, int dst_width,
         int count) {
  if (!fits(layer) || dst_width < kDepthwiseTile) return false;
  run_tiles(layer, rows, dst_width, count);
  return true;
}

#else

bool run(const Depthwise &, const DepthwiseRows &, int, int) { return false; }

#endif

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(run);

bool emulated_depthwise(const Depthwise &layer, const DepthwiseRows &rows,
                        int dst_width, int count) {
  return HWY_DYNAMIC_DISPATCH(run)(layer, rows, dst_width, count);
}

}  // namespace fastscnn::int8
#endif
