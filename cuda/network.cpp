// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/network.h"

#include <algorithm>

#include "cuda/tuner.h"

namespace fastscnn::cuda {

template <typename T>
struct Network<T>::Runner {
  const Network &network;
  cudaStream_t stream;

  template <typename Kernel>
  void items(const Kernel &kernel) {
    launch(kernel, stream);
  }
  template <typename Kernel>
  void blocks(const Kernel &kernel) {
    launch_blocks(kernel, stream);
  }
  void convolve(int step, ConvolutionData data) {
    data.workspace = network.workspace_.get();
    network.cudnn_->run(*network.plans_[step], data, stream);
  }
};

template <typename T>
Network<T>::Network(std::shared_ptr<const Weights<T>> weights, int height,
                    int width, PlanCache *cache, const PlanCache::Warn &warn)
    : weights_(std::move(weights)),
      program_(weights_->model(), weights_->table(), height, width),
      cudnn_(Cudnn::create()),
      arena_(make_device_memory(program_.schedule().bytes)) {
  program_.place(arena_.get());
  choose_plans(height, width, cache, warn);
}

template <typename T>
void Network<T>::choose_plans(int height, int width, PlanCache *cache,
                              const PlanCache::Warn &warn) {
  // Something to compute with while plans are timed: no zeros, no NaN.
  const size_t image_bytes = sizeof(T) * kLanes * height * width;
  DeviceMemory image = make_device_memory(image_bytes);
  CHECK_CUDA(cudaMemset(image.get(), 0x2c, image_bytes));
  CHECK_CUDA(cudaMemset(arena_.get(), 0x2c, program_.schedule().bytes));
  CHECK_CUDA(cudaDeviceSynchronize());

  Tuner tuner(*cudnn_, cache, warn);
  int64_t workspace = 0;
  for (const Step &step : program_.schedule().steps) {
    plans_.emplace_back();
    if (step.kind != Step::Kind::kConvolution) continue;
    plans_.back() =
        tuner.choose(program_.convolution(step),
                     program_.data(step, static_cast<const T *>(image.get())));
    workspace = std::max(workspace, plans_.back()->workspace_bytes());
  }
  cache->save(warn);
  workspace_ = make_device_memory(workspace);
}

template <typename T>
void Network<T>::enqueue(const T *image, cudaStream_t stream) const {
  program_.run(image, Runner{*this, stream});
}

template class Network<__half>;
template class Network<float>;

}  // namespace fastscnn::cuda
