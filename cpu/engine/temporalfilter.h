// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/alignedbuffer.h"
#include "cpu/engine/classify.h"
#include "cpu/engine/network.h"

namespace fastscnn {

/// The exponential average of the logits over the frames of a stream.
class History {
 public:
  static Result<History> create(const Network &network);

  /// Starts over with the next frame.
  void forget() { empty_ = true; }

  /// average = past * average + (1 - past) * logits of the network's last run;
  /// starts over when its image has little to do with the one before.
  const float *average(const Network &network, float past);

 private:
  History() = default;

  bool is_cut(const Network &network);

  bool empty_ = true;
  Buffer samples_;  // of the last image
  Buffer average_;
};

}  // namespace fastscnn
