// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>
#include <cstdint>

#include "cuda/engine/bilinear.h"

namespace fastscnn::cuda {

/// Interpolates the logits to mask size and writes the class with the largest
/// one, the lowest of equal ones. Full-size logits exist in registers only. An
/// item computes a few rows of one column: most lie between the same logits,
/// which it then reads and interpolates horizontally only once.
template <typename T>
struct Argmax {
  static constexpr int kRows = 4;

  const T *logits;  // (axis_y.size, axis_x.size, channels)
  int channels;     // a multiple of 8, not less than classes
  int classes;
  uint8_t *ids;         // (height, width)
  uint8_t *confidence;  // (height, width), or null
  int64_t stride, confidence_stride;
  int height, width;
  Axis axis_y, axis_x;
  float threshold;  // a class that is less probable becomes 255

  FASTSCNN_HD int items() const {
    return width * ((height + kRows - 1) / kRows);
  }

  FASTSCNN_HD void operator()(int item) const {
    const int x = item % width;
    const int y = item / width * kRows;
    const bool soft = confidence || threshold > 0.f;

    Tap taps[kRows];
    float best[kRows], sum[kRows];
    int id[kRows];
    FASTSCNN_UNROLL
    for (int r = 0; r < kRows; r++) {
      taps[r] = axis_y.tap(y + r < height ? y + r : height - 1);
      best[r] = -INFINITY;
      sum[r] = 0.f;
      id[r] = 0;
    }

    const Tap tap_x = axis_x.tap(x);
    for (int first = 0; first < classes; first += kLanes) {
      float top[kLanes], bottom[kLanes];
      FASTSCNN_UNROLL
      for (int r = 0; r < kRows; r++) {
        if (r == 0 || taps[r].first != taps[r - 1].first) {
          interpolate_row(taps[r].first, tap_x, first, top);
          interpolate_row(taps[r].second, tap_x, first, bottom);
        }
        FASTSCNN_UNROLL
        for (int i = 0; i < kLanes; i++) {
          if (first + i >= classes) break;
          const float logit = lerp(top[i], bottom[i], taps[r].weight);
          if (soft) sum[r] = add_to_softmax(sum[r], best[r], logit);
          if (logit > best[r]) {
            best[r] = logit;
            id[r] = first + i;
          }
        }
      }
    }

    FASTSCNN_UNROLL
    for (int r = 0; r < kRows; r++) {
      if (y + r >= height) break;
      const float probability = soft ? 1.f / sum[r] : 1.f;
      ids[(y + r) * stride + x] =
          static_cast<uint8_t>(probability < threshold ? 255 : id[r]);
      if (confidence)
        confidence[(y + r) * confidence_stride + x] =
            static_cast<uint8_t>(probability * 255.f + 0.5f);
    }
  }

 private:
  FASTSCNN_HD void interpolate_row(int y, const Tap &x, int first,
                                   float (&dst)[kLanes]) const {
    const T *row = logits + size_t(y) * axis_x.size * channels + first;
    float right[kLanes];
    load(row + size_t(x.first) * channels, dst);
    load(row + size_t(x.second) * channels, right);
    FASTSCNN_UNROLL
    for (int i = 0; i < kLanes; i++) dst[i] = lerp(dst[i], right[i], x.weight);
  }

  /// Adds a logit to sum, that of exp(logit - best) over the classes so far.
  FASTSCNN_HD static float add_to_softmax(float sum, float best, float logit) {
    return logit > best ? sum * expf(best - logit) + 1.f
                        : sum + expf(logit - best);
  }
};

}  // namespace fastscnn::cuda
