// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/vector.h"

namespace fastscnn::cuda {

/// Where an output of a bilinear interpolation lies between two inputs.
struct Tap {
  int low, high;
  float weight;  // of high
};

/// One direction of an interpolation.
struct Axis {
  int size = 1;  // of the input
  float scale = 1.f;
  float offset = 0.f;

  FASTSCNN_HD Tap tap(int out) const {
    float position = out * scale + offset;
    position = position < 0.f ? 0.f : position;
    int low = static_cast<int>(position);
    low = low < size - 1 ? low : size - 1;
    const int high = low < size - 1 ? low + 1 : low;
    return {low, high, high > low ? position - low : 0.f};
  }
};

/// align_corners: the centres of the first and last samples coincide; if not,
/// the outer edges do.
inline Axis make_axis(int in, int out, bool align_corners) {
  Axis axis;
  axis.size = in;
  if (align_corners) {
    axis.scale = out > 1 ? static_cast<float>(double(in - 1) / (out - 1)) : 0.f;
  } else {
    axis.scale = static_cast<float>(double(in) / out);
    axis.offset = static_cast<float>(0.5 * in / out - 0.5);
  }
  return axis;
}

FASTSCNN_HD inline float mix(float a, float b, float weight) {
  return a + weight * (b - a);
}

/// Bilinear interpolation of 8 channels of src (height, width, channels) at
/// (y, x).
template <typename T>
FASTSCNN_HD inline void interpolate(const T *src, int width, int channels,
                                    const Tap &y, const Tap &x,
                                    float (&dst)[kLanes]) {
  float a[kLanes], b[kLanes], c[kLanes], d[kLanes];
  const size_t top = size_t(y.low) * width, bottom = size_t(y.high) * width;
  load(src + (top + x.low) * channels, a);
  load(src + (top + x.high) * channels, b);
  load(src + (bottom + x.low) * channels, c);
  load(src + (bottom + x.high) * channels, d);
  for (int i = 0; i < kLanes; i++)
    dst[i] =
        mix(mix(a[i], b[i], x.weight), mix(c[i], d[i], x.weight), y.weight);
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
