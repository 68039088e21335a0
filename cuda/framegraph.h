// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>

#include "cuda/argmax.h"
#include "cuda/handles.h"
#include "cuda/smooth.h"

namespace fastscnn::cuda {

/// Everything between an input tensor and a mask, as one graph: the network,
/// smoothing (left out unless it is on), interpolation and argmax. Only the
/// parameters of the last kernels change between frames.
template <typename T>
class FrameGraph {
 public:
  /// network: queues the network; must have run once before. The structs are
  /// those of the first frame, with all that never changes.
  FrameGraph(const std::function<void(cudaStream_t)> &network,
             const Change<T> &change, const Smooth<T> &smooth,
             const Argmax<T> &argmax);

  /// Averages with what was smoothed before, or from here on not.
  void set_smoothing(bool on);
  void set(const Smooth<T> &smooth);
  void set(const Argmax<T> &argmax);

  void launch(cudaStream_t stream);

 private:
  cudaGraphNode_t change_node_, smooth_node_, argmax_node_;
  Graph graph_;
  GraphExec exec_;
  bool smoothing_ = true;
};

}  // namespace fastscnn::cuda
