// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <vector>

#include "cuda/engine/cudnn.h"
#include "cuda/handles.h"
#include "cuda/engine/plancache.h"
#include "cuda/engine/kernelsequence.h"
#include "cuda/engine/weights.h"

namespace fastscnn::cuda {

/// The network for one input size, in the current context. T is __half or
/// float.
template <typename T>
class Network {
 public:
  /// Chooses plans: slow unless cache knows them.
  static Result<std::unique_ptr<Network>> create(
      std::shared_ptr<const Weights<T>> weights, int height, int width,
      PlanCache *cache, const PlanCache::Warn &warn);

  /// Queues the network from image (height, width, 8) to logits().
  Result<> enqueue(const T *image, cudaStream_t stream) const;

  T *logits() const { return program_.logits(); }
  Shape logits_shape() const { return program_.logits_shape(); }

 private:
  struct Runner;

  Network(std::shared_ptr<const Weights<T>> weights, Program<T> program)
      : weights_(std::move(weights)), program_(std::move(program)) {}

  Result<> choose_plans(int height, int width, PlanCache *cache,
                        const PlanCache::Warn &warn);

  std::shared_ptr<const Weights<T>> weights_;
  Program<T> program_;
  std::unique_ptr<Cudnn> cudnn_;
  std::vector<std::unique_ptr<ConvolutionPlan>> plans_;  // of the steps
  DeviceMemory arena_, workspace_;
};

}  // namespace fastscnn::cuda
