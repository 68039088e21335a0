// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <list>
#include <memory>
#include <string>

#include "cuda/executorpool.h"
#include "cuda/engine/framegraph.h"
#include "cuda/engine/network.h"
#include "cuda/engine/plancache.h"
#include "cuda/handles.h"

namespace fastscnn::cuda {

/// The network with its input, and the graphs of frames. T is __half or float.
template <typename T>
class FrameExecutor : public Executor {
 public:
  /// Creates an executor in the current context. Slow.
  static Result<std::unique_ptr<FrameExecutor>> create(
      std::shared_ptr<const Weights<T>> weights, int height, int width,
      bool fuses, PlanCache *cache, const PlanCache::Warn &warn);

  Shape logits_shape() const { return network_->logits_shape(); }
  std::string fused_blocks(bool with_front) const {
    return network_->fused_blocks(with_front);
  }

  /// Whether there is a fused front for this network and GPU.
  bool has_front() const { return network_->kernels().front().has_value(); }
  /// Whether to use the fused front for frames of this size and layout. frame:
  /// with samples in device memory. Slow unless the cache has the answer.
  Result<bool> prefers_front(Preprocess<T> frame, PlanCache *cache,
                             const PlanCache::Warn &warn) const;

  /// Queues a frame. kernels: with all parameters but the executor's own, such
  /// as the frame, the mask and the average. Allocates only for the first frame
  /// with this size of mask and these options.
  Result<> enqueue(FrameKernels<T> kernels, cudaStream_t stream);

 private:
  explicit FrameExecutor(std::unique_ptr<Network<T>> network)
      : network_(std::move(network)) {}

  Result<> warm_up(size_t input_bytes, cudaStream_t stream) const;

  std::unique_ptr<Network<T>> network_;
  DeviceMemory input_;
  Stream capture_stream_;
  std::list<FrameGraph<T>> graphs_;  // most recently used first
};

}  // namespace fastscnn::cuda
