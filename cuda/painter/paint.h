// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/kernel.h"
#include "net/painter.h"

/// Kernels for the painting that net/painter.h defines, with an item per pixel
/// or sample.
namespace fastscnn::cuda {

/// A premultiplied colour in the components of a frame, 0..255:
/// sample = sample * keep + color[c].
struct alignas(16) PaintPixel {
  float keep = 1.f;
  float color[3] = {0.f, 0.f, 0.f};
};

FASTSCNN_HD inline int clamp_index(int i, int size) {
  return i < 0 ? 0 : i >= size ? size - 1 : i;
}

/// How much of the pixel at `at` lies within `reach` of `center`, 0..1.
FASTSCNN_HD inline float overlap(int at, float center, float reach) {
  const float begin = fmaxf(at - 0.5f, center - reach);
  const float end = fminf(at + 0.5f, center + reach);
  return end > begin ? end - begin : 0.f;
}

FASTSCNN_HD inline void add(PaintPixel *sum, const PaintPixel &pixel,
                            float weight) {
  sum->keep += weight * pixel.keep;
  for (int c = 0; c < 3; c++) sum->color[c] += weight * pixel.color[c];
}

/// The paint for every pixel of a frame; pixels outside have that of the
/// nearest one.
struct PaintSource {
  int frame_width, frame_height;
  const PaintPixel *table;   // by value of the mask
  const uint8_t *values;     // (frame_height, frame_width); null: all kOutside
  const PaintPixel *pixels;  // (height, width); if not null, it replaces the
  int x, y, width, height;   // table in this rectangle; no paint around it

  FASTSCNN_HD PaintPixel at(int px, int py) const {
    px = clamp_index(px, frame_width);
    py = clamp_index(py, frame_height);
    if (!pixels)
      return table[values ? values[size_t(py) * frame_width + px] : kOutside];
    px -= x;
    py -= y;
    return px >= 0 && py >= 0 && px < width && py < height
               ? pixels[size_t(py) * width + px]
               : PaintPixel();
  }

  /// The average over [center - reach, center + reach) in both directions.
  FASTSCNN_HD PaintPixel average(float center_x, float center_y, float reach_x,
                                 float reach_y) const {
    PaintPixel sum = {0.f, {0.f, 0.f, 0.f}};
    const int last_x = static_cast<int>(ceilf(center_x + reach_x - 0.5f));
    const int last_y = static_cast<int>(ceilf(center_y + reach_y - 0.5f));
    for (int j = static_cast<int>(floorf(center_y - reach_y + 0.5f));
         j <= last_y; j++) {
      const float row = overlap(j, center_y, reach_y) / (2 * reach_y);
      if (row == 0.f) continue;
      for (int i = static_cast<int>(floorf(center_x - reach_x + 0.5f));
           i <= last_x; i++) {
        const float column = overlap(i, center_x, reach_x) / (2 * reach_x);
        if (column > 0.f) add(&sum, at(i, j), row * column);
      }
    }
    return sum;
  }
};

/// The samples of one component of a frame.
struct PaintSamples {
  uint8_t *data;
  int64_t stride;
  int pixel_stride, width, height, shift_x, shift_y;
  float origin_x, origin_y;

  FASTSCNN_HD uint8_t *at(int i, int j) const {
    return data + j * stride + int64_t{i} * pixel_stride;
  }
  FASTSCNN_HD int items() const { return width * height; }
};

FASTSCNN_HD inline uint8_t to_byte(float value) {
  return static_cast<uint8_t>(value < 0.f     ? 0.f
                              : value > 255.f ? 255.f
                                              : value + 0.5f);
}

/// Multiplies alpha, which is not subsampled, by the paint's keep.
struct PaintCut {
  PaintSource source;
  PaintSamples samples;

  FASTSCNN_HD int items() const { return samples.items(); }
  FASTSCNN_HD void operator()(int item) const {
    const int i = item % samples.width, j = item / samples.width;
    uint8_t *sample = samples.at(i, j);
    *sample = to_byte(*sample * source.at(i, j).keep);
  }
};

/// Blends the paint into a component.
struct PaintBlend {
  PaintSource source;
  PaintSamples samples;
  int component;

  FASTSCNN_HD int items() const { return samples.items(); }
  FASTSCNN_HD void operator()(int item) const {
    const int i = item % samples.width, j = item / samples.width;
    const PaintPixel paint = source.average(
        samples.origin_x + static_cast<float>(i << samples.shift_x),
        samples.origin_y + static_cast<float>(j << samples.shift_y),
        0.5f * (1 << samples.shift_x), 0.5f * (1 << samples.shift_y));
    uint8_t *sample = samples.at(i, j);
    *sample = to_byte(*sample * paint.keep + paint.color[component]);
  }
};

/// Averages the paint over a square around each pixel.
struct PaintFeather {
  PaintSource source;
  PaintPixel *dst;  // (frame_height, frame_width)
  float reach;      // half of the square's side

  FASTSCNN_HD int items() const {
    return source.frame_width * source.frame_height;
  }
  FASTSCNN_HD void operator()(int item) const {
    dst[item] = source.average(static_cast<float>(item % source.frame_width),
                               static_cast<float>(item / source.frame_width),
                               reach, reach);
  }
};

}  // namespace fastscnn::cuda
