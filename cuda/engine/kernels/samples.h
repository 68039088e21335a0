// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/vector.h"
#include "net/taps.h"

namespace fastscnn::cuda {

/// One component of a frame.
struct Samples {
  const uint8_t *data;
  int64_t stride;
  int pixel_stride, width, height;
  float scale_x, scale_y, offset_x, offset_y;  // from output pixels to samples
  bool exact;  // every output pixel lies on a sample: no interpolation
  bool alike;  // samples lie where those of the previous component do

  bool has_places_of(const Samples &o) const {
    return width == o.width && height == o.height && scale_x == o.scale_x &&
           scale_y == o.scale_y && offset_x == o.offset_x &&
           offset_y == o.offset_y;
  }

  /// Interpolates two pixels side by side.
  FASTSCNN_HD void read(const Tap &y, const Tap (&x)[2],
                        float (&dst)[2]) const {
    const uint8_t *top = data + y.first * stride;
    if (exact) {
      FASTSCNN_UNROLL
      for (int i = 0; i < 2; i++)
        dst[i] = from_byte(top[x[i].first * pixel_stride]);
      return;
    }
    const uint8_t *bottom = data + y.second * stride;
    FASTSCNN_UNROLL
    for (int i = 0; i < 2; i++) {
      const int left = x[i].first * pixel_stride;
      const int right = x[i].second * pixel_stride;
      const float weight = x[i].weight;
      dst[i] =
          lerp(lerp(from_byte(top[left]), from_byte(top[right]), weight),
               lerp(from_byte(bottom[left]), from_byte(bottom[right]), weight),
               y.weight);
    }
  }

 private:
  /// Exact, and without a conversion instruction, which is slow on GPUs.
  FASTSCNN_HD static float from_byte(uint8_t byte) {
#ifdef __CUDA_ARCH__
    return __uint_as_float(0x4b000000u | byte) - 8388608.f;
#else
    return byte;
#endif
  }
};

}  // namespace fastscnn::cuda
