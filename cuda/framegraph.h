// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <initializer_list>

#include "cuda/argmax.h"
#include "cuda/count.h"
#include "cuda/handles.h"
#include "cuda/smooth.h"

namespace fastscnn::cuda {

/// Everything between an input tensor and a mask, as one graph: the network,
/// smoothing and the counting of pixels (left out unless they are on),
/// interpolation and argmax. Only the parameters of the last kernels change
/// between frames.
template <typename T>
class FrameGraph {
 public:
  /// network: queues the network; must have run once before. The structs are
  /// those of the first frame, with all that never changes.
  static Result<FrameGraph> create(
      const std::function<Result<>(cudaStream_t)> &network,
      const Change<T> &change, const Smooth<T> &smooth, const Argmax<T> &argmax,
      const Count &count, uint32_t *host_counts);

  /// Averages with what was smoothed before, or from here on not.
  Result<> set_smoothing(bool on);
  Result<> set(const Smooth<T> &smooth);
  Result<> set(const Argmax<T> &argmax);

  /// Leaves the counts in pinned memory of the host, or from here on not.
  Result<> set_counting(bool on);
  Result<> set(const Count &count);

  Result<> launch(cudaStream_t stream);

 private:
  FrameGraph() = default;

  Result<> enable(std::initializer_list<cudaGraphNode_t> nodes, bool on);

  cudaGraphNode_t change_node_, smooth_node_, argmax_node_;
  cudaGraphNode_t clear_node_, count_node_, copy_node_;
  Graph graph_;
  GraphExec exec_;
  bool smoothing_ = true;
  bool counting_ = true;
};

}  // namespace fastscnn::cuda
