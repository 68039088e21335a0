// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/pooling.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/pooling.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

void run(ConstPixels src, ptrdiff_t pitch, int rows, int width, int channels,
         int bins, float *dst) {
  const Tag d;
  for (int i = 0; i < bins; i++) {
    const int begin = bin_begin(i, width, bins);
    const int end = bin_end(i, width, bins);
    const Vector weight = hn::Set(d, 1.0f / (rows * (end - begin)));
    for (int c = 0; c < channels; c += kLanes) {
      Vector sum = hn::Zero(d);
      for (int y = 0; y < rows; y++)
        for (int x = begin; x < end; x++)
          sum = hn::Add(sum,
                        hn::Load(d, src.data + y * pitch + x * src.stride + c));
      hn::Store(hn::Mul(sum, weight), d, dst + i * channels + c);
    }
  }
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {

HWY_EXPORT(run);

void average_pool(ConstPixels src, ptrdiff_t pitch, int rows, int width,
                  int channels, int bins, float *dst) {
  HWY_DYNAMIC_DISPATCH(run)(src, pitch, rows, width, channels, bins, dst);
}

}  // namespace fastscnn
#endif
