// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "net/scenecut.h"

namespace fastscnn {

/// Exponential average of the logits over time, which restarts at scene cuts.
class TemporalFilter {
 public:
  /// For logits of this shape.
  static Result<TemporalFilter> create(const Logits &logits);

  /// Restarts the average with the next frame.
  void reset() { empty_ = true; }

  /// Adds the logits of the network's last run and returns the average in the
  /// same layout: average = smoothing * average + (1 - smoothing) * logits.
  template <typename Network>
  const float *add(const Network &network, float smoothing) {
    float *sample = samples_.data();
    for (int i = 0; i < kSceneGrid; i++)
      for (int j = 0; j < kSceneGrid; j++, sample += 3)
        network.normalized_pixel(scene_sample(j, network.width()),
                                 scene_sample(i, network.height()), sample);
    return add(network.logits(), smoothing);
  }

 private:
  TemporalFilter() = default;

  const float *add(const Logits &logits, float smoothing);
  bool is_cut();

  bool empty_ = true;
  AlignedBuffer samples_;       // of the image
  AlignedBuffer last_samples_;  // of the previous image, for is_cut()
  AlignedBuffer average_;
};

}  // namespace fastscnn
