// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/engine/cudnn.h"
#include "cuda/engine/kernelsequence.h"
#include "cuda/engine/plancache.h"
#include "cuda/engine/kernels/preprocess.h"
#include "cuda/engine/tuner.h"
#include "cuda/engine/weights.h"
#include "cuda/handles.h"

namespace fastscnn::cuda {

/// The network for one input size, with its memory and plans, in the current
/// context. T is __half or float.
template <typename T>
class Network {
 public:
  /// Slow unless cache has the plans. fuses: blocks may run in fused form.
  static Result<std::unique_ptr<Network>> create(
      std::shared_ptr<const Weights<T>> weights, int height, int width,
      bool fuses, PlanCache *cache, const PlanCache::Warn &warn);

  /// Queues the computation of logits() from image (image.h).
  Result<> enqueue(const T *image, cudaStream_t stream) const;

  /// Whether to use the fused front instead of one that starts with an image.
  /// The answer holds for frames of the same size and layout. frame: with such
  /// an image as dst, and samples in device memory. Slow unless the cache has
  /// the answer.
  Result<bool> prefers_front(const Preprocess<T> &frame, PlanCache *cache,
                             const PlanCache::Warn &warn) const;
  /// Queue enqueue() in two parts. The first one is a single kernel that reads
  /// the frame, so that there is no image. Only if prefers_front().
  Result<> enqueue_front(const Preprocess<T> &frame, cudaStream_t stream) const;
  Result<> enqueue_rest(cudaStream_t stream) const;
  /// Queues the layers that enqueue_front() fuses, through the image frame.dst.
  /// Only if kernels().front().
  Result<> enqueue_front_layers(const Preprocess<T> &frame,
                                cudaStream_t stream) const;
  /// Changes the frame of a node that enqueue_front() made.
  Result<> update_front(const Preprocess<T> &frame, GraphNode node) const;

  /// Queues one form of blocks, regardless of which has been chosen.
  Result<> enqueue_form(const FusedForm &form, bool fused,
                        cudaStream_t stream) const;

  const KernelSequence<T> &kernels() const { return kernels_; }
  T *logits() const { return kernels_.logits(); }
  /// See Engine::fused_blocks(). with_front: whether the front is fused, too.
  std::string fused_blocks(bool with_front) const;

  Shape logits_shape() const { return kernels_.logits_shape(); }

 private:
  struct Runner;

  Network(std::shared_ptr<const Weights<T>> weights, KernelSequence<T> kernels)
      : weights_(std::move(weights)), kernels_(std::move(kernels)) {}

  Result<> choose_plans(int height, int width, PlanCache *cache,
                        const PlanCache::Warn &warn);
  Result<> choose_forms(Tuner *tuner);
  Result<> enqueue_blocks(const T *image, int first, int end,
                          cudaStream_t stream) const;
  Result<bool> forms_agree(int layer, const Tuner::Form &fused,
                           const Tuner::Form &layers,
                           cudaStream_t stream) const;

  std::shared_ptr<const Weights<T>> weights_;
  KernelSequence<T> kernels_;
  bool overlaps_ = false;  // see Launcher
  std::unique_ptr<Cudnn> cudnn_;
  std::vector<std::unique_ptr<ConvolutionPlan>> plans_;  // by step
  DeviceMemory arena_, workspace_;
};

}  // namespace fastscnn::cuda
