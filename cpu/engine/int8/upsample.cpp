// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/upsample.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/int8/upsample.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/words-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

void run(const uint8_t *top, const uint8_t *bottom, int weight, int src_width,
         int channels, const FixedTap *columns, int width, int16_t *scratch,
         Pixels dst) {
  const Words d;
  const WordVector w = hn::Set(d, int16_t(16 * weight));
  for (int i = 0; i < src_width * channels; i += kWordLanes)
    hn::StoreU(lerp(to_words(hn::LoadU(WordBytes(), top + i)),
                    to_words(hn::LoadU(WordBytes(), bottom + i)), w),
               d, scratch + i);

  const WordVector half = hn::Set(d, 64);
  for (int x = 0; x < width; x++) {
    const FixedTap &t = columns[x];
    const int16_t *first = scratch + ptrdiff_t(t.first) * channels;
    const int16_t *second = scratch + ptrdiff_t(t.second) * channels;
    uint8_t *to = dst.data + x * dst.stride;
    const WordVector wx = hn::Set(d, int16_t(16 * t.weight));
    for (int c = 0; c < channels; c += kWordLanes) {
      const WordVector v =
          lerp(hn::LoadU(d, first + c), hn::LoadU(d, second + c), wx);
      hn::StoreU(hn::DemoteTo(WordBytes(), hn::ShiftRight<7>(hn::Add(v, half))),
                 WordBytes(), to + c);
    }
  }
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(run);

std::vector<FixedTap> to_fixed(const std::vector<Tap> &taps) {
  std::vector<FixedTap> fixed;
  fixed.reserve(taps.size());
  for (const Tap &t : taps) {
    const int weight = static_cast<int>(std::lround(t.weight * 2048));
    if (weight < 2048)
      fixed.push_back({t.first, t.second, weight});
    else
      fixed.push_back({t.second, t.second, 0});
  }
  return fixed;
}

void upsample(const uint8_t *top, const uint8_t *bottom, int weight,
              int src_width, int channels, const FixedTap *columns, int width,
              int16_t *scratch, Pixels dst) {
  HWY_DYNAMIC_DISPATCH(run)
  (top, bottom, weight, src_width, channels, columns, width, scratch, dst);
}

}  // namespace fastscnn::int8
#endif
