// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/network.h"

#include <algorithm>
#include <cmath>

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

Result<fused::Gpu> current_gpu() {
  int device = 0, shared_bytes = 0;
  TRY_CUDA(cudaGetDevice(&device));
  TRY_CUDA(cudaDeviceGetAttribute(
      &shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  return fused::Gpu{FASTSCNN_TRY(compute_capability(device)),
                    static_cast<size_t>(shared_bytes)};
}

}  // namespace

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
    bool fuses, PlanCache *cache, const PlanCache::Warn &warn) {
  KernelSequence<T> kernels = FASTSCNN_TRY(KernelSequence<T>::create(
      weights->model(), weights->table(), height, width));
  std::unique_ptr<Network> network(
      new Network(std::move(weights), std::move(kernels)));
  network->cudnn_ = FASTSCNN_TRY(Cudnn::create());
  network->arena_ =
      FASTSCNN_TRY(make_device_memory(network->kernels_.program().bytes));
  network->kernels_.place(network->arena_.get());
  if (fuses) network->kernels_.find_fused_forms(FASTSCNN_TRY(current_gpu()));
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
  workspace_ = FASTSCNN_TRY(make_device_memory(workspace));
  FASTSCNN_TRY(choose_forms(&tuner));
  cache->save(warn);
  return {};
}

template <typename T>
Result<> Network<T>::choose_forms(Tuner *tuner) {
  const Program &program = kernels_.program();
  const std::vector<FusedForm> &forms = kernels_.fused_forms();
  for (size_t i = 0; i < forms.size(); i++) {
    const FusedForm &form = forms[i];
    const auto fused = [&](cudaStream_t stream) {
      return enqueue_form(form, true, stream);
    };
    const auto layers = [&](cudaStream_t stream) {
      return enqueue_form(form, false, stream);
    };
    const Shape &src = program.shapes[form.block.src];
    const std::string name = program.blocks[form.first].name + " of " +
                             std::to_string(src.width) + "x" +
                             std::to_string(src.height);
    const auto agree = [&](cudaStream_t stream) {
      return forms_agree(form, stream);
    };
    const bool chosen =
        FASTSCNN_TRY(tuner->prefers_fused(name, fused, layers, agree));
    kernels_.choose_fused(static_cast<int>(i), chosen);
  }
  return {};
}

template <typename T>
Result<bool> Network<T>::forms_agree(const FusedForm &form,
                                     cudaStream_t stream) const {
  const int layer = form.block.last;
  const Shape &shape = kernels_.program().shapes[layer];
  const size_t pitch = sizeof(T) * kernels_.program().views[layer].pitch;
  const size_t pixels = size_t(shape.height) * shape.width;
  const size_t row = sizeof(T) * shape.channels;
  PinnedMemory outputs[2];
  for (bool fused : {false, true}) {
    outputs[fused] = FASTSCNN_TRY(make_pinned_memory(row * pixels));
    FASTSCNN_TRY(enqueue_form(form, fused, stream));
    TRY_CUDA(cudaMemcpy2DAsync(outputs[fused].get(), row,
                               kernels_.output(layer, nullptr), pitch, row,
                               pixels, cudaMemcpyDeviceToHost, stream));
    TRY_CUDA(cudaStreamSynchronize(stream));
  }
  const T *expected = static_cast<const T *>(outputs[0].get());
  const T *got = static_cast<const T *>(outputs[1].get());
  double error = 0, norm = 0;
  for (size_t i = 0; i < pixels * shape.channels; i++) {
    const double value = to_float(expected[i]);
    error += std::pow(to_float(got[i]) - value, 2);
    if (std::abs(value) < 6e4) norm += value * value;  // padding is larger
  }
  return error <= 1e-4 * norm;  // sums are rounded in another order
}

template <typename T>
Result<> Network<T>::enqueue_form(const FusedForm &form, bool fused,
                                  cudaStream_t stream) const {
  Runner runner{{stream}, *this};
  if (fused) {
    kernels_.run_fused(form, runner);
    return runner.status;
  }
  for (int block = form.first; block < form.end; block++)
    kernels_.run_block(kernels_.program().blocks[block], nullptr, runner);
  return runner.status;
}

template <typename T>
std::string Network<T>::fused_blocks() const {
  std::string names;
  for (const FusedForm &form : kernels_.fused_forms())
    for (int block = form.first; form.chosen && block < form.end; block++)
      names +=
          (names.empty() ? "" : " ") + kernels_.program().blocks[block].name;
  return names;
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
