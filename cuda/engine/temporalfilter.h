// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/vector.h"

namespace fastscnn::cuda {

/// How much the picture has changed since the last call: mean absolute
/// difference of the normalised input, looked at every kStep pixels. Keeps
/// what it looked at for the next call. One block.
template <typename T>
struct Change {
  static constexpr int kThreads = 1024;
  static constexpr int kPhases = 2;
  static constexpr int kStep = 8;

  struct Shared {
    float sum[kThreads];
  };

  const T *input;   // (height, width, 8)
  float *previous;  // (height / kStep, width / kStep, 3)
  float *change;    // (1)
  int height, width;

  FASTSCNN_HD int blocks() const { return 1; }
  FASTSCNN_HD int samples() const { return (height / kStep) * (width / kStep); }

  FASTSCNN_HD void operator()(int phase, int, int thread,
                              Shared &shared) const {
    if (phase == 0)
      add_differences(thread, shared);
    else if (thread == 0)
      average(shared);
  }

 private:
  FASTSCNN_HD void add_differences(int thread, Shared &shared) const {
    float sum = 0.f;
    for (int i = thread; i < samples(); i += kThreads) {
      const int x = i % (width / kStep) * kStep + kStep / 2;
      const int y = i / (width / kStep) * kStep + kStep / 2;
      float value[kLanes];
      load(input + (size_t(y) * width + x) * kLanes, value);
      for (int c = 0; c < 3; c++) {
        const float difference = value[c] - previous[3 * i + c];
        sum += difference < 0.f ? -difference : difference;
        previous[3 * i + c] = value[c];
      }
    }
    shared.sum[thread] = sum;
  }

  FASTSCNN_HD void average(const Shared &shared) const {
    float sum = 0.f;
    for (int i = 0; i < kThreads; i++) sum += shared.sum[i];
    *change = sum / static_cast<float>(3 * samples());
  }
};

/// Exponential average of the logits, in place. Starts over where the picture
/// has changed too much to be of the same scene.
template <typename T>
struct Smooth {
  T *logits;
  T *history;
  int count;  // of logits; a multiple of 8
  const float *change;
  float cut;     // changes of at least this much start over
  float weight;  // of the past; 0 starts over

  FASTSCNN_HD int items() const { return count / kLanes; }

  FASTSCNN_HD void operator()(int item) const {
    const size_t at = size_t(item) * kLanes;
    float now[kLanes];
    load(logits + at, now);
    if (weight > 0.f && *change < cut) {
      float past[kLanes];
      load(history + at, past);
      for (int i = 0; i < kLanes; i++) now[i] += weight * (past[i] - now[i]);
      store(logits + at, now);
    }
    store(history + at, now);
  }
};

}  // namespace fastscnn::cuda
