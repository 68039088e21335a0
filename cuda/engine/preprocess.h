// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/vector.h"
#include "net/frame.h"
#include "net/model.h"
#include "net/taps.h"

namespace fastscnn::cuda {

/// Converts a frame to the input tensor in one pass: bilinear resize with
/// half-pixel centres, colour conversion, normalisation. Channels are padded
/// with zeros.
template <typename T>
struct Preprocess {
  struct Samples {
    const uint8_t *data;
    int64_t stride;
    int pixel_stride, width, height;
    float scale_x, scale_y, offset_x, offset_y;  // output to sample index
  };

  Samples samples[3];
  int components;
  float matrix[3][3], offset[3];  // components, 0..255, to RGB, 0..1
  float mean[3], inverse_std[3];
  T *dst;  // (height, width, 8)
  int height, width;

  FASTSCNN_HD int items() const { return height * width; }

  FASTSCNN_HD void operator()(int item) const {
    const int x = item % width, y = item / width;
    float component[3] = {0.f, 0.f, 0.f};
    FASTSCNN_UNROLL
    for (int c = 0; c < 3; c++)
      if (c < components) component[c] = sample(samples[c], x, y);

    float out[kLanes] = {};
    FASTSCNN_UNROLL
    for (int c = 0; c < 3; c++) {
      const float color = matrix[c][0] * component[0] +
                          matrix[c][1] * component[1] +
                          matrix[c][2] * component[2] + offset[c];
      out[c] = (clamp(color, 0.f, 1.f) - mean[c]) * inverse_std[c];
    }
    store(dst + size_t(item) * kLanes, out);
  }

 private:
  FASTSCNN_HD static float sample(const Samples &s, int x, int y) {
    const Tap tx = tap_at(x * s.scale_x + s.offset_x, s.width);
    const Tap ty = tap_at(y * s.scale_y + s.offset_y, s.height);
    const uint8_t *top = s.data + ty.first * s.stride;
    const uint8_t *bottom = s.data + ty.second * s.stride;
    const int left = tx.first * s.pixel_stride;
    const int right = tx.second * s.pixel_stride;
    return lerp(lerp(top[left], top[right], tx.weight),
                lerp(bottom[left], bottom[right], tx.weight), ty.weight);
  }
};

/// Sets everything except dst and the addresses of the samples.
template <typename T>
Preprocess<T> make_preprocess(const FrameInfo &frame, const ModelInfo &model,
                              int height, int width) {
  Preprocess<T> p = {};
  p.components = frame.components;
  p.height = height;
  p.width = width;
  for (int c = 0; c < frame.components; c++) {
    const Component &component = frame.component[c];
    typename Preprocess<T>::Samples &s = p.samples[c];
    s.pixel_stride = component.pixel_stride;
    s.width = component_width(frame, c);
    s.height = component_height(frame, c);
    // The centre of output x lies (x + 0.5) * scale - 0.5 pixels right of the
    // centre of the first pixel.
    auto map = [](int frame_size, int size, float origin, int shift,
                  float *scale, float *offset) {
      const double each = 1 << shift;
      const double pixels = double(frame_size) / size;
      *scale = static_cast<float>(pixels / each);
      *offset = static_cast<float>((0.5 * pixels - 0.5 - origin) / each);
    };
    map(frame.width, width, component.origin_x, component.shift_x, &s.scale_x,
        &s.offset_x);
    map(frame.height, height, component.origin_y, component.shift_y, &s.scale_y,
        &s.offset_y);
  }
  for (int row = 0; row < 3; row++) {
    for (int c = 0; c < 3; c++)
      p.matrix[row][c] = frame.to_rgb.matrix[row][c] / 255.f;
    p.offset[row] = frame.to_rgb.offset[row];
    p.mean[row] = model.mean[row];
    p.inverse_std[row] = 1.f / model.std[row];
  }
  return p;
}

/// Sets the addresses of the samples: those of a frame in device memory.
template <typename T>
void set_frame(Preprocess<T> *p, const FrameInfo &info,
               const ConstFrame &frame) {
  for (int c = 0; c < info.components; c++) {
    const Component &component = info.component[c];
    p->samples[c].data = frame.data[component.plane] + component.offset;
    p->samples[c].stride = frame.stride[component.plane];
  }
}

}  // namespace fastscnn::cuda
