// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "cpu/engine/network.h"

namespace fastscnn {

/// Exponential average of the logits over time, which restarts at scene cuts.
class TemporalFilter {
 public:
  static Result<TemporalFilter> create(const Network &network);

  /// Restarts the average with the next frame.
  void reset() { empty_ = true; }

  /// Adds the logits of the network's last run and returns the average, laid
  /// out as they are: average = smoothing * average + (1 - smoothing) * logits.
  const float *add(const Network &network, float smoothing);

 private:
  TemporalFilter() = default;

  bool is_cut(const Network &network);

  bool empty_ = true;
  AlignedBuffer samples_;  // of the last image, for is_cut()
  AlignedBuffer average_;
};

}  // namespace fastscnn
