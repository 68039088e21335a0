// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/vector.h"
#include "net/frame.h"
#include "net/model.h"

namespace fastscnn::cuda {

/// Frame to input tensor in one read: bilinear resize with half-pixel
/// centres, colour conversion, normalisation, channels padded with zeros.
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
  float matrix[3][3], offset[3];  // components of 0..255 to RGB of 0..1
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
    const float sx = clamp(x * s.scale_x + s.offset_x, 0.f, s.width - 1.f);
    const float sy = clamp(y * s.scale_y + s.offset_y, 0.f, s.height - 1.f);
    const int x0 = static_cast<int>(sx), y0 = static_cast<int>(sy);
    const int x1 = x0 + 1 < s.width ? x0 + 1 : x0;
    const int y1 = y0 + 1 < s.height ? y0 + 1 : y0;
    const uint8_t *top = s.data + y0 * s.stride;
    const uint8_t *bottom = s.data + y1 * s.stride;
    const float wx = sx - x0, wy = sy - y0;
    const float a = top[x0 * s.pixel_stride], b = top[x1 * s.pixel_stride];
    const float c = bottom[x0 * s.pixel_stride];
    const float d = bottom[x1 * s.pixel_stride];
    const float upper = a + wx * (b - a), lower = c + wx * (d - c);
    return upper + wy * (lower - upper);
  }
};

/// All but dst and the addresses of samples.
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

/// Where a frame, in memory that the kernel can read, begins.
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
