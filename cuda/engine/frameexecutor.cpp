// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/frameexecutor.h"

#include <algorithm>
#include <utility>

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

/// A graph is kept for each combination of mask size, options and front.
/// Streams that use more combinations than this capture graphs repeatedly.
constexpr size_t kMaxGraphs = 16;

}  // namespace

template <typename T>
Result<std::unique_ptr<FrameExecutor<T>>> FrameExecutor<T>::create(
    std::shared_ptr<const Weights<T>> weights, int height, int width,
    bool fuses, PlanCache *cache, const PlanCache::Warn &warn) {
  std::unique_ptr<Network<T>> network = FASTSCNN_TRY(Network<T>::create(
      std::move(weights), height, width, fuses, cache, warn));
  std::unique_ptr<FrameExecutor> executor(
      new FrameExecutor(std::move(network)));
  const size_t bytes = sizeof(T) * kImageChannels / 4 * height * width;
  executor->input_ = FASTSCNN_TRY(make_device_memory(bytes));
  executor->capture_stream_ = FASTSCNN_TRY(make_stream());
  const cudaStream_t stream = executor->capture_stream_.get();
  const Result<> queued = executor->warm_up(bytes, stream);
  TRY_CUDA(cudaStreamSynchronize(stream));  // even if queueing failed
  FASTSCNN_TRY(queued);
  return executor;
}

/// The first run loads the kernels, which takes longer than a frame may.
template <typename T>
Result<> FrameExecutor<T>::warm_up(size_t input_bytes,
                                   cudaStream_t stream) const {
  TRY_CUDA(cudaMemsetAsync(input_.get(), 0, input_bytes, stream));
  return network_->enqueue(static_cast<const T *>(input_.get()), stream);
}

template <typename T>
Result<bool> FrameExecutor<T>::prefers_front(
    Preprocess<T> frame, PlanCache *cache, const PlanCache::Warn &warn) const {
  frame.dst = static_cast<T *>(input_.get());
  const Result<bool> prefers = network_->prefers_front(frame, cache, warn);
  FASTSCNN_TRY(synchronize_context());  // even if it failed half-way
  return prefers;
}

/// The first frame of its kind runs kernel by kernel, because kernels must not
/// be loaded during a capture. Then a graph is captured for later frames.
template <typename T>
Result<> FrameExecutor<T>::enqueue(FrameKernels<T> kernels,
                                   cudaStream_t stream) {
  kernels.preprocess.dst = static_cast<T *>(input_.get());
  kernels.scene_change.input = kernels.preprocess.dst;
  kernels.filter.logits = network_->logits();
  kernels.argmax.logits.data = network_->logits();
  const auto known =
      std::find_if(graphs_.begin(), graphs_.end(),
                   [&](const FrameGraph<T> &g) { return g.fits(kernels); });
  if (known != graphs_.end()) {
    graphs_.splice(graphs_.begin(), graphs_, known);
    return known->launch(kernels, stream);
  }
  FASTSCNN_TRY(enqueue_frame(*network_, kernels, stream));
  FrameGraph<T> graph = FASTSCNN_TRY(
      FrameGraph<T>::create(*network_, kernels, capture_stream_.get()));
  FASTSCNN_TRY(graph.upload(stream));
  if (graphs_.size() == kMaxGraphs) graphs_.pop_back();
  graphs_.push_front(std::move(graph));
  return {};
}

template class FrameExecutor<__half>;
template class FrameExecutor<float>;

}  // namespace fastscnn::cuda
