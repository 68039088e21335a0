// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

#include "cuda/engine/kernels/bilinear.h"

namespace fastscnn::cuda {

/// A rectangle of pixels of a mask, and the logits around them.
struct Window {
  FASTSCNN_HD Window(const Axis &axis_y, const Axis &axis_x, int y, int x,
                     int height, int width)
      : y(y),
        x(x),
        height(height),
        width(width),
        top(axis_y.tap(y).first),
        left(axis_x.tap(x).first),
        rows(axis_y.tap(y + height - 1).second - top + 1),
        columns(axis_x.tap(x + width - 1).second - left + 1) {}

  int y, x, height, width;       // pixels
  int top, left, rows, columns;  // logits
};

/// The logits, and the classification of mask pixels by them.
template <typename T>
struct Logits {
  const T *data;        // (axis_y.size, axis_x.size, channels)
  int channels;         // a multiple of 8; padding is lowest<T>()
  Axis axis_y, axis_x;  // from pixels to logits

  struct Class {
    int id;             // of equal logits, the lowest class
    float probability;  // 1 unless kSoft
  };

  /// The class of the logits at (y, x).
  FASTSCNN_HD int class_at(int y, int x) const {
    constexpr int kGroups = 4;  // of channels, loaded together
    const T *src = data + (size_t(y) * axis_x.size + x) * channels;
    float best = -INFINITY;
    int id = 0;
    for (int first = 0; first < channels; first += kGroups * kLanes) {
      Raw<T> raw[kGroups];
      FASTSCNN_UNROLL
      for (int g = 0; g < kGroups; g++)
        raw[g] =
            load_raw(src + first + g * kLanes, first + g * kLanes < channels);
      FASTSCNN_UNROLL
      for (int g = 0; g < kGroups; g++) {
        if (first + g * kLanes >= channels) break;
        float value[kLanes];
        unpack(raw[g], value);
        FASTSCNN_UNROLL
        for (int i = 0; i < kLanes; i++)
          if (value[i] > best) {
            best = value[i];
            id = first + g * kLanes + i;
          }
      }
    }
    return id;
  }

  /// The class of the pixel at (y, x).
  template <bool kSoft>
  FASTSCNN_HD Class classify(int y, int x) const {
    const Tap tap_y = axis_y.tap(y), tap_x = axis_x.tap(x);
    float best = -INFINITY, sum = 0.f;
    int id = 0;
    for (int first = 0; first < channels; first += kLanes) {
      float logit[kLanes];
      interpolate(data + first, axis_x.size, channels, tap_y, tap_x, logit);
      FASTSCNN_UNROLL
      for (int i = 0; i < kLanes; i++) {
        if (kSoft) sum = add_to_softmax(sum, best, logit[i]);
        if (logit[i] > best) {
          best = logit[i];
          id = first + i;
        }
      }
    }
    return {id, kSoft ? 1.f / sum : 1.f};
  }

 private:
  /// Adds a logit to the sum of exp(logit - best) over the classes so far.
  FASTSCNN_HD static float add_to_softmax(float sum, float best, float logit) {
    return logit > best ? sum * expf(best - logit) + 1.f
                        : sum + expf(logit - best);
  }
};

}  // namespace fastscnn::cuda
