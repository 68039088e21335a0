// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/pooling.h"

#include "cpu/engine/pooling.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/int8/pooling.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/engine/int8/requantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::int8::HWY_NAMESPACE {
namespace {

void run(ConstPixels src, ptrdiff_t pitch, int rows, int width, int channels,
         int bins, uint8_t *dst) {
  const Tag d;
  const Ints di;
  const Requantizer to_bytes{Requantization()};
  for (int i = 0; i < bins; i++) {
    const int begin = bin_begin(i, width, bins);
    const int end = bin_end(i, width, bins);
    const Vector weight = hn::Set(d, 1.0f / (rows * (end - begin)));
    for (int c = 0; c < channels; c += kLanes) {
      Sums sum = hn::Zero(di);
      for (int y = 0; y < rows; y++)
        for (int x = begin; x < end; x++)
          sum = hn::Add(sum,
                        load_bytes(src.data + y * pitch + x * src.stride + c));
      to_bytes.store(hn::Mul(hn::ConvertTo(d, sum), weight),
                     dst + i * channels + c);
    }
  }
}

}  // namespace
}  // namespace fastscnn::int8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn::int8 {

HWY_EXPORT(run);

void average_pool(ConstPixels src, ptrdiff_t pitch, int rows, int width,
                  int channels, int bins, uint8_t *dst) {
  HWY_DYNAMIC_DISPATCH(run)(src, pitch, rows, width, channels, bins, dst);
}

}  // namespace fastscnn::int8
#endif
