// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cuda_runtime_api.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "cuda/context.h"
#include "cuda/engine/engine.h"
#include "cuda/hostmemory.h"
#include "cuda/painter/painter.h"
#include "net/backend.h"
#include "net/painter.h"

namespace fastscnn::cuda {
namespace {

Result<std::string> describe(int device) {
  cudaDeviceProp properties;
  TRY_CUDA(cudaGetDeviceProperties(&properties, device));
  return std::string(properties.name);
}

/// Everything that the choice of a plan depends on.
Result<std::string> identify(int device) {
  cudaDeviceProp p;
  int driver = 0, runtime = 0;
  TRY_CUDA(cudaGetDeviceProperties(&p, device));
  TRY_CUDA(cudaDriverGetVersion(&driver));
  TRY_CUDA(cudaRuntimeGetVersion(&runtime));
  const size_t cudnn = FASTSCNN_TRY(cudnn_version());
  return std::string(p.name) + ", compute capability " +
         std::to_string(p.major) + "." + std::to_string(p.minor) + ", " +
         std::to_string(p.multiProcessorCount) + " multiprocessors, driver " +
         std::to_string(driver) + ", runtime " + std::to_string(runtime) +
         ", cuDNN " + std::to_string(cudnn);
}

/// One file per GPU model, since a machine may have several.
std::string cache_path(const std::string &device_name) {
  const std::string folder = cache_folder();
  if (folder.empty()) return "";
  std::string name;
  for (char c : device_name)
    name += (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    (c >= 'a' && c <= 'z')
                ? c
                : '-';
  return folder + "/plans-" + name;
}

class CudaBackend : public Backend {
 public:
  const char *name() const override { return "cuda"; }

  Result<std::string> device_name(const Device &device) const override {
    const auto context = FASTSCNN_TRY(open_context(device));
    return describe(context->device());
  }

  Result<std::unique_ptr<Engine>> create_engine(
      std::shared_ptr<const Model> model, const Device &device) override {
    const PlanCache::Warn warn = [report = device.warn](const std::string &s) {
      if (report) report(s.c_str());
    };
    auto context = FASTSCNN_TRY(open_context(device));
    switch (device.precision) {
      case Precision::kAuto:
        return make(half_weights_, std::move(context), model, warn);
      case Precision::kFp32:
        return make(float_weights_, std::move(context), model, warn);
      case Precision::kInt8:
        break;
    }
    return Error{Error::Kind::kDevice,
                 "The CUDA engine has no precision int8; choose auto or fp32, "
                 "or backend=cpu"};
  }

  Result<std::unique_ptr<Painter>> create_painter(
      const Device &device) override {
    auto context = FASTSCNN_TRY(open_context(device));
    return make_painter(std::move(context));
  }

  std::shared_ptr<void> allocate_host_memory(const Device &device,
                                             size_t bytes) override {
    auto context = open_primary(device);
    if (!context) return nullptr;
    const auto memory = cuda::allocate_host_memory(*std::move(context), bytes);
    return memory ? *memory : nullptr;
  }

  std::shared_ptr<void> register_host_memory(const Device &device, void *memory,
                                             size_t bytes) override {
    auto context = open_primary(device);
    if (!context) return nullptr;
    const auto registration =
        cuda::register_host_memory(*std::move(context), memory, bytes);
    return registration ? *registration : nullptr;
  }

 private:
  static Result<std::shared_ptr<const Context>> open_context(
      const Device &device) {
    return device.queue.context
               ? Context::borrow(device.queue.context)
               : Context::primary(device.id < 0 ? 0 : device.id);
  }

  /// The primary context of the device, for memory that may outlive the context
  /// of the caller.
  static Result<std::shared_ptr<const Context>> open_primary(
      const Device &device) {
    const auto context = FASTSCNN_TRY(open_context(device));
    return Context::primary(context->device());
  }

  /// There is one copy of the weights per model and context.
  template <typename T>
  using Shared = std::map<std::pair<const Model *, void *>,
                          std::weak_ptr<const Weights<T>>>;

  template <typename T>
  Result<std::unique_ptr<Engine>> make(
      Shared<T> &known, std::shared_ptr<const Context> context,
      const std::shared_ptr<const Model> &model, const PlanCache::Warn &warn) {
    auto weights = FASTSCNN_TRY(weights_for(known, context, model));
    auto cache = FASTSCNN_TRY(cache_for(context->device(), warn));
    auto pool = pool_for(*context);
    return make_engine<T>(std::move(context), std::move(pool),
                          std::move(weights), std::move(cache), warn);
  }

  template <typename T>
  Result<std::shared_ptr<const Weights<T>>> weights_for(
      Shared<T> &known, const std::shared_ptr<const Context> &context,
      const std::shared_ptr<const Model> &model) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto &kept = known[{model.get(), context->handle()}];
    std::shared_ptr<const Weights<T>> weights = kept.lock();
    if (!weights)
      kept = weights = FASTSCNN_TRY(Weights<T>::create(context, model));
    return weights;
  }

  std::shared_ptr<ExecutorPool> pool_for(const Context &context) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::weak_ptr<ExecutorPool> &kept = pools_[context.handle()];
    std::shared_ptr<ExecutorPool> pool = kept.lock();
    if (!pool) kept = pool = std::make_shared<ExecutorPool>();
    return pool;
  }

  Result<std::shared_ptr<PlanCache>> cache_for(int device,
                                               const PlanCache::Warn &warn) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<PlanCache> &cache = caches_[device];
    if (cache) return cache;
    const std::string name = FASTSCNN_TRY(describe(device));
    const std::string identity = FASTSCNN_TRY(identify(device));
    cache = std::make_shared<PlanCache>(cache_path(name), identity, warn);
    return cache;
  }

  std::mutex mutex_;
  Shared<__half> half_weights_;
  Shared<float> float_weights_;
  std::map<void *, std::weak_ptr<ExecutorPool>> pools_;  // by context
  std::map<int, std::shared_ptr<PlanCache>> caches_;
};

Result<> check_usable() {
  FASTSCNN_TRY(check_machine());
  FASTSCNN_TRY(cudnn_version());
  return {};
}

}  // namespace
}  // namespace fastscnn::cuda

extern "C" __attribute__((visibility("default")))
FastscnnBackendOpen fastscnn_backend_open;

fastscnn::Backend *fastscnn_backend_open(int abi, char *why, size_t size) {
  if (abi != fastscnn::kEngineAbi) {
    std::snprintf(why, size,
                  "it has engine interface %d, but %d is needed; install "
                  "plugin and engines of the same version",
                  fastscnn::kEngineAbi, abi);
    return nullptr;
  }
  if (const auto usable = fastscnn::cuda::check_usable(); !usable) {
    std::snprintf(why, size, "%s", usable.error().sentence.c_str());
    return nullptr;
  }
  static fastscnn::cuda::CudaBackend backend;
  return &backend;
}
