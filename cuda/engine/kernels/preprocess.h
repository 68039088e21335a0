// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "cuda/engine/kernels/image.h"
#include "cuda/engine/kernels/samples.h"
#include "cuda/vector.h"
#include "net/frame.h"
#include "net/model.h"

namespace fastscnn::cuda {

/// Converts a frame to the network input (image.h) in one pass: bilinear resize
/// with half-pixel centres, colour conversion, normalisation. An item computes
/// 2x2 pixels, which share most of their taps and lie side by side in the
/// input.
template <typename T>
struct Preprocess {
  Samples samples[3];
  int components;
  float matrix[3][3], offset[3];  // components, 0..255, to RGB, 0..1
  float mean[3], inverse_std[3];
  T *dst;
  int height, width;

  FASTSCNN_HD int items() const { return height / 2 * (width / 2); }

  FASTSCNN_HD void operator()(int item) const {
    float out[2][kLanes];
    convert(item / (width / 2) * 2, item % (width / 2) * 2, out);
    FASTSCNN_UNROLL
    for (int i = 0; i < 2; i++)
      store(dst + size_t(item) * kImageChannels + i * kLanes, out[i]);
  }

  /// Computes the pixels (y, x), both even, to (y + 1, x + 1): two rows of two,
  /// RGB0.
  FASTSCNN_HD void convert(int y, int x, float (&out)[2][kLanes]) const {
    float component[3][2][2] = {};
    Tap taps_x[2], taps_y[2];
    FASTSCNN_UNROLL
    for (int c = 0; c < 3; c++) {
      if (c >= components) break;
      const Samples &s = samples[c];
      if (!s.alike) {
        FASTSCNN_UNROLL
        for (int i = 0; i < 2; i++) {
          taps_x[i] = tap_at((x + i) * s.scale_x + s.offset_x, s.width);
          taps_y[i] = tap_at((y + i) * s.scale_y + s.offset_y, s.height);
        }
      }
      FASTSCNN_UNROLL
      for (int i = 0; i < 2; i++) s.read(taps_y[i], taps_x, component[c][i]);
    }

    FASTSCNN_UNROLL
    for (int i = 0; i < 2; i++) FASTSCNN_UNROLL
    for (int j = 0; j < 2; j++) {
      out[i][4 * j + 3] = 0.f;
      FASTSCNN_UNROLL
      for (int c = 0; c < 3; c++) {
        const float color = matrix[c][0] * component[0][i][j] +
                            matrix[c][1] * component[1][i][j] +
                            matrix[c][2] * component[2][i][j] + offset[c];
        out[i][4 * j + c] = (clamp(color, 0.f, 1.f) - mean[c]) * inverse_std[c];
      }
    }
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
    Samples &s = p.samples[c];
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
    s.exact = s.scale_x == 1.f && s.scale_y == 1.f && s.offset_x == 0.f &&
              s.offset_y == 0.f;
    s.alike = c > 0 && s.has_places_of(p.samples[c - 1]);
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

/// Sets the addresses of the samples to those of a frame in device memory.
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
