// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/network.h"

#include <algorithm>

#include "cuda/engine/tuner.h"
#include "cuda/graph.h"

namespace fastscnn::cuda {

template <typename T>
struct Network<T>::Runner : Launcher {
  const Network &network;

  void convolve(int step, ConvolutionData data) {
    data.workspace = network.workspace_.get();
    if (status)
      status = network.cudnn_->run(*network.plans_[step], data, stream);
  }
};

template <typename T>
Result<std::unique_ptr<Network<T>>> Network<T>::create(
    std::shared_ptr<const Weights<T>> weights, int height, int width,
    PlanCache *cache, const PlanCache::Warn &warn) {
  KernelSequence<T> kernels = FASTSCNN_TRY(KernelSequence<T>::create(
      weights->model(), weights->table(), height, width));
  std::unique_ptr<Network> network(
      new Network(std::move(weights), std::move(kernels)));
  network->cudnn_ = FASTSCNN_TRY(Cudnn::create());
  network->arena_ =
      FASTSCNN_TRY(make_device_memory(network->kernels_.program().bytes));
  network->kernels_.place(network->arena_.get());
  FASTSCNN_TRY(network->choose_plans(height, width, cache, warn));
  return network;
}

template <typename T>
Result<> Network<T>::choose_plans(int height, int width, PlanCache *cache,
                                  const PlanCache::Warn &warn) {
  // Plans are timed on ordinary numbers: neither zeros nor NaN.
  const size_t image_bytes = sizeof(T) * kImageChannels / 4 * height * width;
  DeviceMemory image = FASTSCNN_TRY(make_device_memory(image_bytes));
  TRY_CUDA(cudaMemset(image.get(), 0x2c, image_bytes));
  TRY_CUDA(cudaMemset(arena_.get(), 0x2c, kernels_.program().bytes));
  FASTSCNN_TRY(synchronize_context());

  Tuner tuner = FASTSCNN_TRY(Tuner::create(*cudnn_, cache, warn));
  int64_t workspace = 0;
  for (const Step &step : kernels_.program().steps) {
    plans_.emplace_back();
    if (step.kind != Step::Kind::kConvolution) continue;
    plans_.back() = FASTSCNN_TRY(
        tuner.choose(kernels_.convolution(step),
                     kernels_.data(step, static_cast<const T *>(image.get()))));
    workspace = std::max(workspace, plans_.back()->workspace_bytes());
  }
  cache->save(warn);
  workspace_ = FASTSCNN_TRY(make_device_memory(workspace));
  return {};
}

template <typename T>
Result<> Network<T>::enqueue(const T *image, cudaStream_t stream) const {
  Runner runner{{stream}, *this};
  kernels_.run(image, runner);
  return runner.status;
}

template class Network<__half>;
template class Network<float>;

}  // namespace fastscnn::cuda
