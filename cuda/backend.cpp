// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cuda_runtime_api.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "cuda/context.h"
#include "cuda/cudnn.h"
#include "cuda/engine.h"
#include "cuda/painter.h"
#include "net/engine.h"
#include "net/painter.h"

namespace fastscnn::cuda {
namespace {

std::string describe(int device) {
  cudaDeviceProp properties;
  CHECK_CUDA(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

/// What a chosen plan depends on.
std::string identify(int device) {
  cudaDeviceProp p;
  int driver = 0, runtime = 0;
  CHECK_CUDA(cudaGetDeviceProperties(&p, device));
  CHECK_CUDA(cudaDriverGetVersion(&driver));
  CHECK_CUDA(cudaRuntimeGetVersion(&runtime));
  return std::string(p.name) + ", compute capability " +
         std::to_string(p.major) + "." + std::to_string(p.minor) + ", " +
         std::to_string(p.multiProcessorCount) + " multiprocessors, driver " +
         std::to_string(driver) + ", runtime " + std::to_string(runtime) +
         ", cuDNN " + std::to_string(value_or_throw(Cudnn::version()));
}

/// One file a GPU model: a machine may have several.
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

  std::string device_name(const Device &device) const override {
    return describe(open_context(device)->device());
  }

  std::unique_ptr<Engine> create_engine(std::shared_ptr<const Model> model,
                                        const Device &device) override {
    std::shared_ptr<const Context> context = open_context(device);
    const PlanCache::Warn warn = [report = device.warn](const std::string &s) {
      if (report) report(s.c_str());
    };
    return make_engine<__half>(context, weights_for(context, model),
                               cache_for(context->device(), warn), warn);
  }

  std::unique_ptr<Painter> create_painter(const Device &device) override {
    return make_painter(open_context(device));
  }

 private:
  static std::shared_ptr<const Context> open_context(const Device &device) {
    return value_or_throw(
        device.queue.context ? Context::borrow(device.queue.context)
                             : Context::primary(device.id < 0 ? 0 : device.id));
  }

  /// Of one model and context there is one copy.
  std::shared_ptr<const Weights<__half>> weights_for(
      const std::shared_ptr<const Context> &context,
      const std::shared_ptr<const Model> &model) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto &known = weights_[{model.get(), context->handle()}];
    std::shared_ptr<const Weights<__half>> weights = known.lock();
    if (!weights) {
      weights = std::make_shared<const Weights<__half>>(context, model);
      known = weights;
    }
    return weights;
  }

  std::shared_ptr<PlanCache> cache_for(int device,
                                       const PlanCache::Warn &warn) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<PlanCache> &cache = caches_[device];
    if (!cache)
      cache = std::make_shared<PlanCache>(cache_path(describe(device)),
                                          identify(device), warn);
    return cache;
  }

  std::mutex mutex_;
  std::map<std::pair<const Model *, void *>,
           std::weak_ptr<const Weights<__half>>>
      weights_;
  std::map<int, std::shared_ptr<PlanCache>> caches_;
};

Result<> check_usable() {
  FASTSCNN_TRY(check_machine());
  FASTSCNN_TRY(Cudnn::version());
  return {};
}

}  // namespace
}  // namespace fastscnn::cuda

extern "C" __attribute__((visibility("default")))
FastscnnBackendOpen fastscnn_backend_open;

fastscnn::Backend *fastscnn_backend_open(int abi, char *why, size_t size) {
  if (abi != fastscnn::kEngineAbi) {
    std::snprintf(why, size, "The CUDA module is of another version");
    return nullptr;
  }
  if (const auto usable = fastscnn::cuda::check_usable(); !usable) {
    std::snprintf(why, size, "%s", usable.error().what());
    return nullptr;
  }
  static fastscnn::cuda::CudaBackend backend;
  return &backend;
}
