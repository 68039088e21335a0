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

/// Whether kernels in graphs can start early.
Result<bool> can_overlap(const fused::Gpu &gpu) {
  int driver = 0;
  TRY_CUDA(cudaDriverGetVersion(&driver));
  return gpu.capability >= 90 && driver >= 12030;
}

/// The properties of a frame on which the time of its conversion depends.
template <typename T>
std::string describe(const Preprocess<T> &frame) {
  std::string text =
      std::to_string(frame.width) + "x" + std::to_string(frame.height);
  for (int c = 0; c < frame.components; c++) {
    const Samples &s = frame.samples[c];
    text += (c == 0 ? " from " : " ") + std::to_string(s.width) + "x" +
            std::to_string(s.height) + "/" + std::to_string(s.pixel_stride);
  }
  return text;
}

}  // namespace

template <typename T>
struct Network<T>::Runner : Launcher {
  const Network &network;

  void convolve(int step, ConvolutionData data) {
    data.workspace = network.workspace_.get();
    follows_ours = false;
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
  const fused::Gpu gpu = FASTSCNN_TRY(current_gpu());
  if (fuses) network->kernels_.find_fused_forms(gpu);
  network->overlaps_ = FASTSCNN_TRY(can_overlap(gpu));
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
      return forms_agree(form.block.last, fused, layers, stream);
    };
    const bool chosen =
        FASTSCNN_TRY(tuner->prefers_fused(name, fused, layers, agree));
    kernels_.choose_fused(static_cast<int>(i), chosen);
  }
  return {};
}

template <typename T>
Result<bool> Network<T>::prefers_front(const Preprocess<T> &frame,
                                       PlanCache *cache,
                                       const PlanCache::Warn &warn) const {
  if (!kernels_.front()) return false;
  const auto fused = [&](cudaStream_t stream) {
    return enqueue_front(frame, stream);
  };
  const auto layers = [&](cudaStream_t stream) {
    return enqueue_front_layers(frame, stream);
  };
  const auto agree = [&](cudaStream_t stream) {
    return forms_agree(kernels_.front()->block.last, fused, layers, stream);
  };
  Tuner tuner = FASTSCNN_TRY(Tuner::create(*cudnn_, cache, warn));
  const bool prefers = FASTSCNN_TRY(tuner.prefers_fused(
      "the front of " + describe(frame), fused, layers, agree));
  cache->save(warn);
  return prefers;
}

template <typename T>
Result<bool> Network<T>::forms_agree(int layer, const Tuner::Form &fused,
                                     const Tuner::Form &layers,
                                     cudaStream_t stream) const {
  const Shape &shape = kernels_.program().shapes[layer];
  const size_t pitch = sizeof(T) * kernels_.program().views[layer].pitch;
  const size_t pixels = size_t(shape.height) * shape.width;
  const size_t row = sizeof(T) * shape.channels;
  PinnedMemory outputs[2];
  for (bool is_fused : {false, true}) {
    outputs[is_fused] = FASTSCNN_TRY(make_pinned_memory(row * pixels));
    FASTSCNN_TRY(is_fused ? fused(stream) : layers(stream));
    TRY_CUDA(cudaMemcpy2DAsync(outputs[is_fused].get(), row,
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
  Runner runner{{stream, overlaps_}, *this};
  if (fused) {
    kernels_.run_fused(form, runner);
    return runner.status;
  }
  for (int block = form.first; block < form.end; block++)
    kernels_.run_block(kernels_.program().blocks[block], nullptr, runner);
  return runner.status;
}

template <typename T>
std::string Network<T>::fused_blocks(bool with_front) const {
  std::string names;
  const auto add = [&](const FusedForm &form, int first) {
    for (int block = first; block < form.end; block++)
      names +=
          (names.empty() ? "" : " ") + kernels_.program().blocks[block].name;
  };
  int end = 0;
  if (with_front) {
    add(*kernels_.front(), 0);
    end = kernels_.front()->end;
  }
  for (const FusedForm &form : kernels_.fused_forms())
    if (form.chosen && form.first >= end) add(form, form.first);
  return names;
}

template <typename T>
Result<> Network<T>::enqueue(const T *image, cudaStream_t stream) const {
  return enqueue_blocks(
      image, 0, static_cast<int>(kernels_.program().blocks.size()), stream);
}

template <typename T>
Result<> Network<T>::enqueue_rest(cudaStream_t stream) const {
  return enqueue_blocks(nullptr, kernels_.front()->end,
                        static_cast<int>(kernels_.program().blocks.size()),
                        stream);
}

template <typename T>
Result<> Network<T>::enqueue_front_layers(const Preprocess<T> &frame,
                                          cudaStream_t stream) const {
  FASTSCNN_TRY(launch(frame, stream));
  return enqueue_blocks(frame.dst, kernels_.front()->first,
                        kernels_.front()->end, stream);
}

template <typename T>
Result<> Network<T>::enqueue_blocks(const T *image, int first, int end,
                                    cudaStream_t stream) const {
  Runner runner{{stream, overlaps_}, *this};
  kernels_.run(image, first, end, runner);
  return runner.status;
}

template <>
Result<> Network<__half>::enqueue_front(const Preprocess<__half> &frame,
                                        cudaStream_t stream) const {
  return launch_clusters(kernels_.make_front(frame), stream);
}
template <>
Result<> Network<__half>::update_front(const Preprocess<__half> &frame,
                                       GraphNode node) const {
  return update_clusters(kernels_.make_front(frame), node);
}

// There is no fused front for floats.
template <>
Result<> Network<float>::enqueue_front(const Preprocess<float> &,
                                       cudaStream_t) const {
  return Error{Error::Kind::kEngine, "There is no fused front for floats"};
}
template <>
Result<> Network<float>::update_front(const Preprocess<float> &,
                                      GraphNode) const {
  return enqueue_front({}, nullptr);
}

template class Network<__half>;
template class Network<float>;

}  // namespace fastscnn::cuda
