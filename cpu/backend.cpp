// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "cpu/engine/engine.h"
#include "cpu/painter/painter.h"
#include "net/backend.h"

namespace fastscnn {
namespace {

int thread_count(const Device &device) {
  if (device.threads > 0) return device.threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

/// The name of the processor; "CPU" if the system does not report it.
std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t value = line.find_first_not_of(" \t:", line.find(':'));
    if (value != std::string::npos) return line.substr(value);
  }
  return "CPU";
}

class CpuBackend : public Backend {
 public:
  const char *name() const override { return "cpu"; }

  Result<std::string> device_name(const Device &device) const override {
    const int threads = thread_count(device);
    return processor_name() + ", " + std::to_string(threads) +
           (threads == 1 ? " thread" : " threads");
  }

  Result<std::unique_ptr<Engine>> create_engine(
      std::shared_ptr<const Model> model, const Device &device) override {
    const Precision precision =
        FASTSCNN_TRY(choose_precision(*model, device.precision));
    std::lock_guard<std::mutex> lock(mutex_);
    return precision == Precision::kInt8
               ? make_engine(int8_weights_, std::move(model), device)
               : make_engine(weights_, std::move(model), device);
  }

  Result<std::unique_ptr<Painter>> create_painter(const Device &) override {
    return make_cpu_painter();
  }

 private:
  // Weights own their model, so a live entry's address is never reused.
  template <typename AnyWeights>
  using Shared = std::map<const Model *, std::weak_ptr<const AnyWeights>>;

  template <typename AnyWeights>
  Result<std::unique_ptr<Engine>> make_engine(
      Shared<AnyWeights> &known, std::shared_ptr<const Model> model,
      const Device &device) {
    const int threads = thread_count(device);
    std::shared_ptr<const AnyWeights> weights =
        FASTSCNN_TRY(find_weights(known, std::move(model)));
    std::shared_ptr<Workers> workers = workers_.lock();
    if (!workers) workers_ = workers = std::make_shared<Workers>();
    FASTSCNN_TRY(workers->reserve(threads));
    return make_cpu_engine(std::move(weights), std::move(workers), threads);
  }

  template <typename AnyWeights>
  static Result<std::shared_ptr<const AnyWeights>> find_weights(
      Shared<AnyWeights> &known, std::shared_ptr<const Model> model) {
    for (auto it = known.begin(); it != known.end();)
      it = it->second.expired() ? known.erase(it) : std::next(it);
    std::weak_ptr<const AnyWeights> &kept = known[model.get()];
    std::shared_ptr<const AnyWeights> weights = kept.lock();
    if (!weights)
      kept = weights = FASTSCNN_TRY(AnyWeights::create(std::move(model)));
    return weights;
  }

  std::mutex mutex_;
  std::weak_ptr<Workers> workers_;
  Shared<Weights> weights_;
  Shared<int8::Weights> int8_weights_;
};

}  // namespace
}  // namespace fastscnn

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
  static fastscnn::CpuBackend backend;
  return &backend;
}
