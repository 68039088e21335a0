// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

#include "cuda/engine/kernels/image.h"
#include "cuda/vector.h"
#include "net/scenecut.h"

namespace fastscnn::cuda {

constexpr int kSceneSamples = kSceneGrid * kSceneGrid;

/// Sums the absolute differences between the samples of this network input and
/// of the previous one, and keeps the samples for the next call. See
/// net/scenecut.h. One block: a thread takes one sample.
template <typename T>
struct SceneChange {
  static constexpr int kThreads = kSceneSamples;
  static constexpr int kPhases = 3;

  struct Shared {
    float sum[kThreads];
  };

  const T *input;   // image.h
  float *previous;  // (kSceneGrid, kSceneGrid, 3)
  float *change;    // (1), the sum
  int height, width;

  FASTSCNN_HD int blocks() const { return 1; }

  FASTSCNN_HD void operator()(int phase, int, int thread,
                              Shared &shared) const {
    if (phase == 0)
      shared.sum[thread] = replace_sample(thread);
    else if (phase == 1 && thread % kSceneGrid == 0)
      shared.sum[thread] = sum(shared.sum + thread, 1);
    else if (phase == 2 && thread == 0)
      *change = sum(shared.sum, kSceneGrid);
  }

 private:
  FASTSCNN_HD float replace_sample(int sample) const {
    const int y = scene_sample(sample / kSceneGrid, height);
    const int x = scene_sample(sample % kSceneGrid, width);
    const T *pixel = input + image_index(y, x, width);
    float difference = 0.f;
    for (int c = 0; c < 3; c++) {
      float &last = previous[3 * sample + c];
      const float value = to_float(pixel[c]);
      difference += fabsf(value - last);
      last = value;
    }
    return difference;
  }

  FASTSCNN_HD static float sum(const float *values, int step) {
    float total = 0.f;
    for (int i = 0; i < kSceneGrid; i++) total += values[i * step];
    return total;
  }
};

/// Exponential average of the logits, in place. A scene cut starts over.
template <typename T>
struct TemporalFilter {
  T *logits;
  T *average;
  int count;            // of logits; a multiple of 8
  const float *change;  // from SceneChange
  float weight;         // of the past; 0 starts over

  FASTSCNN_HD int items() const { return count / kLanes; }

  FASTSCNN_HD void operator()(int item) const {
    const size_t at = size_t(item) * kLanes;
    float now[kLanes];
    load(logits + at, now);
    if (weight > 0.f && *change <= kSceneCut * (3 * kSceneSamples)) {
      float past[kLanes];
      load(average + at, past);
      for (int i = 0; i < kLanes; i++) now[i] = lerp(now[i], past[i], weight);
      store(logits + at, now);
    }
    store(average + at, now);
  }
};

}  // namespace fastscnn::cuda
