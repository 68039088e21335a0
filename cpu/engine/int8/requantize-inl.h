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
    const Tag d;
    // Adding kRound leaves the nearest whole number in the lower bits. Clamping
    // first gives the same result and keeps it in range; it also keeps
    // compilers from fusing the multiplication with the addition.
    const Vector v = hn::Min(hn::Max(scaled, low_), high_);
    const Sums bits = hn::BitCast(Ints(), hn::Add(v, hn::Set(d, kRound)));
    hn::StoreU(hn::DemoteTo(Bytes(), hn::Add(bits, zero_)), Bytes(), dst);
  }

 private:
  static constexpr float kRound = 3 << 22;
  static constexpr int32_t kBits = 0x4b400000;  // of kRound

  Vector low_, high_;
  Sums zero_;
};

}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
