// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "cuda/engine/cudnn.h"
#include "cuda/engine/plancache.h"
#include "cuda/handles.h"

namespace fastscnn::cuda {

/// In bytes. Plans that need more are skipped.
constexpr size_t kMaxWorkspace = 8u << 20;

/// Chooses the plans and forms that are fastest on the current device: from the
/// cache, or by timing replays of a graph, since frames run as graphs. Make one
/// for each network: its time budget starts when it is created.
class Tuner {
 public:
  static Result<Tuner> create(const Cudnn &cudnn, PlanCache *cache,
                              PlanCache::Warn warn);

  /// data: the memory on which the plan will run. Its contents are overwritten;
  /// its workspace is ignored. An Error if no plan works.
  Result<std::unique_ptr<ConvolutionPlan>> choose(
      const Convolution &convolution, ConvolutionData data);

  /// Queues one form of a block on a stream.
  using Form = std::function<Result<>(cudaStream_t)>;
  /// Whether the fused form of a block works and is faster than its layers,
  /// which must work. agree: runs both on a stream, and returns whether they
  /// compute the same.
  Result<bool> prefers_fused(
      const std::string &block, const Form &fused, const Form &layers,
      const std::function<Result<bool>(cudaStream_t)> &agree);

 private:
  Tuner(const Cudnn &cudnn, PlanCache *cache, PlanCache::Warn warn);

  std::unique_ptr<ConvolutionPlan> from_cache(const std::string &name,
                                              const ConvolutionData &data);
  Result<std::unique_ptr<ConvolutionPlan>> load(const std::string &json,
                                                const ConvolutionData &data);
  Result<float> time(const Form &form);

  const Cudnn &cudnn_;
  PlanCache *cache_;
  PlanCache::Warn warn_;
  Stream stream_;
  Event begin_, end_;
  DeviceMemory workspace_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace fastscnn::cuda
