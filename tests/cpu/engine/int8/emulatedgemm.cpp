// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/cpu/engine/int8/emulatedgemm.h"
#include "tests/support/byteinstructions.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/cpu/engine/int8/emulatedgemm.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/storesums-inl.h"

// Emulated vectors are not in registers, so unrolling gains nothing.
#undef FASTSCNN_UNROLL
#define FASTSCNN_UNROLL

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

/// The Dot of dottile-inl.h; kStep emulates the instruction for a lane.
template <bool kIsSigned, typename X,
          int32_t (*kStep)(int32_t, const X *, const int8_t *)>
struct EmulatedDot {
  static constexpr bool kSigned = kIsSigned;
  struct Quad {
    X byte[4];
  };

  static Quad load(const uint8_t *p) {
    Quad quad;
    for (int i = 0; i < 4; i++)
      quad.byte[i] = static_cast<X>(kIsSigned ? p[i] ^ 0x80 : p[i]);
    return quad;
  }
  static const int8_t *load_weights(const int8_t *p) { return p; }
  static Sums dot(Sums sum, const Quad &x, const int8_t *w) {
    HWY_ALIGN int32_t lanes[kLanes];
    hn::Store(sum, Ints(), lanes);
    for (size_t i = 0; i < kLanes; i++)
      lanes[i] = kStep(lanes[i], x.byte, w + 4 * i);
    return hn::Load(Ints(), lanes);
  }
};

namespace vnni {
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;
using Dot = EmulatedDot<false, uint8_t, testing::dpbusd>;
#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"
}  // namespace vnni

namespace vnni512 {
constexpr int kTileBlocks = 2;
constexpr int kTilePixels = 12;
using Dot = EmulatedDot<false, uint8_t, testing::dpbusd>;
#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"
}  // namespace vnni512

namespace dotprod {
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;
using Dot = EmulatedDot<true, int8_t, testing::sdot>;
#include "cpu/engine/int8/dottile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"
}  // namespace dotprod

#if HWY_TARGET != HWY_SCALAR
namespace i8mm {
constexpr int kTileBlocks = 1;
constexpr int kTilePixels = 6;
struct Matrix {
  static Quad multiply(Quad sum, hn::Vec<Bytes16> x, hn::Vec<Bytes16> w) {
    HWY_ALIGN int32_t lanes[4];
    HWY_ALIGN uint8_t pixels[16], weights[16];
    hn::Store(sum, Quads(), lanes);
    hn::Store(x, Bytes16(), pixels);
    hn::Store(w, Bytes16(), weights);
    testing::usmmla(lanes, pixels, reinterpret_cast<int8_t *>(weights));
    return hn::Load(Quads(), lanes);
  }
};
#include "cpu/engine/int8/mmlatile-inl.h"
#include "cpu/engine/int8/tileloops-inl.h"
}  // namespace i8mm
#endif

namespace amx {
using testing::Tiles;
#include "cpu/engine/int8/amxgemm-inl.h"
}  // namespace amx

std::vector<EmulatedGemm> list() {
  return {
    {"AVX-VNNI, emulated", vnni::run}, {"AVX512-VNNI, emulated", vnni512::run},
        {"dotprod, emulated", dotprod::run},
#if HWY_TARGET != HWY_SCALAR
        {"i8mm, emulated", i8mm::run},
#endif
        {"AMX, emulated", [](const GemmJob &job) {
           if (job.count >= amx::kTileRows)
             amx::run(job);
           else
             vnni512::run(job);
         }},
  };
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(list);

std::vector<EmulatedGemm> emulated_gemms() {
  return HWY_DYNAMIC_DISPATCH(list)();
}

}  // namespace fastscnn::int8
#endif
