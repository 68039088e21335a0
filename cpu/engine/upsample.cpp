// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/upsample.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/upsample.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

HWY_INLINE void lerp(const float *a, const float *b, float weight, int count,
                     float *out) {
  const Tag d;
  const Vector w = hn::Set(d, weight);
  for (int i = 0; i < count; i += kLanes) {
    const Vector first = hn::Load(d, a + i);
    const Vector step = hn::Sub(hn::Load(d, b + i), first);
    hn::Store(hn::MulAdd(step, w, first), d, out + i);
  }
}

void run(const float *top, const float *bottom, float weight, int src_width,
         int channels, const Tap *columns, int width, float *scratch,
         Pixels dst) {
  const float *row = top;
  if (weight != 0) {
    lerp(top, bottom, weight, src_width * channels, scratch);
    row = scratch;
  }
  for (int x = 0; x < width; x++) {
    const Tap &t = columns[x];
    lerp(row + t.first * channels, row + t.second * channels, t.weight,
         channels, dst.data + x * dst.stride);
  }
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {

HWY_EXPORT(run);

void upsample(const float *top, const float *bottom, float weight,
              int src_width, int channels, const Tap *columns, int width,
              float *scratch, Pixels dst) {
  HWY_DYNAMIC_DISPATCH(run)
  (top, bottom, weight, src_width, channels, columns, width, scratch, dst);
}

}  // namespace fastscnn
#endif
