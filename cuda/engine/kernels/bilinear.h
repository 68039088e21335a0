// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/vector.h"
#include "net/taps.h"

namespace fastscnn::cuda {

/// One direction of a bilinear interpolation. Positions are linear in the
/// output, so kernels compute them instead of reading a table.
struct Axis {
  int size = 1;  // of the input
  float scale = 1.f;
  float offset = 0.f;

  FASTSCNN_HD Tap tap(int out) const {
    return tap_at(out * scale + offset, size);
  }
};

inline Axis make_axis(int in, int out, bool align_corners) {
  const double offset = resize_position(0, in, out, align_corners);
  const double scale = resize_position(1, in, out, align_corners) - offset;
  return {in, static_cast<float>(scale), static_cast<float>(offset)};
}

/// Bilinear interpolation of 8 channels of src (height, width, channels) at
/// (y, x).
template <typename T>
FASTSCNN_HD inline void interpolate(const T *src, int width, int channels,
                                    const Tap &y, const Tap &x,
                                    float (&dst)[kLanes]) {
  float a[kLanes], b[kLanes], c[kLanes], d[kLanes];
  const size_t top = size_t(y.first) * width, bottom = size_t(y.second) * width;
  load(src + (top + x.first) * channels, a);
  load(src + (top + x.second) * channels, b);
  load(src + (bottom + x.first) * channels, c);
  load(src + (bottom + x.second) * channels, d);
  for (int i = 0; i < kLanes; i++)
    dst[i] =
        lerp(lerp(a[i], b[i], x.weight), lerp(c[i], d[i], x.weight), y.weight);
}

template <typename T>
struct Bilinear {
  const T *src;  // (axis_y.size, axis_x.size, channels)
  T *dst;        // (height, width, channels)
  int channels, height, width;
  Axis axis_y, axis_x;

  FASTSCNN_HD int items() const { return height * width * (channels / kLanes); }

  FASTSCNN_HD void operator()(int item) const {
    const int groups = channels / kLanes;
    const int pixel = item / groups;
    const int channel = item % groups * kLanes;
    float value[kLanes];
    interpolate(src + channel, axis_x.size, channels, axis_y.tap(pixel / width),
                axis_x.tap(pixel % width), value);
    store(dst + size_t(pixel) * channels + channel, value);
  }
};

}  // namespace fastscnn::cuda
