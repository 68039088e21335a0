// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/tuner.h"

#include <algorithm>
#include <limits>

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

constexpr int kRunsPerGraph = 10;
constexpr int kReplays = 5;
// Building a plan takes a good part of a second. The fallback heuristic knows
// large tiles for tensor cores that the other one never proposes.
constexpr int kPlansPerHeuristic = 4;
constexpr int kAllPlans = std::numeric_limits<int>::max();

// The cache keys of choices of forms begin with the version of the kernels.
const char kFormVersion[] = "form 2: ";
const char kFused[] = "fused", kLayers[] = "layers";

}  // namespace

Tuner::Tuner(const Cudnn &cudnn, PlanCache *cache, PlanCache::Warn warn)
    : cudnn_(cudnn),
      cache_(cache),
      warn_(std::move(warn)),
      deadline_(std::chrono::steady_clock::now() + cache->budget()) {}

Result<Tuner> Tuner::create(const Cudnn &cudnn, PlanCache *cache,
                            PlanCache::Warn warn) {
  Tuner tuner(cudnn, cache, std::move(warn));
  tuner.stream_ = FASTSCNN_TRY(make_stream());
  tuner.begin_ = FASTSCNN_TRY(make_timing_event());
  tuner.end_ = FASTSCNN_TRY(make_timing_event());
  tuner.workspace_ = FASTSCNN_TRY(make_device_memory(kMaxWorkspace));
  return tuner;
}

Result<std::unique_ptr<ConvolutionPlan>> Tuner::choose(
    const Convolution &convolution, ConvolutionData data) {
  data.workspace = workspace_.get();
  const std::string name = convolution.name();
  if (auto known = from_cache(name, data)) return known;

  std::unique_ptr<ConvolutionPlan> best;
  float best_time = std::numeric_limits<float>::infinity();
  bool complete = true;
  std::string fault;
  const auto consider = [&](ConvolutionPlan plan) {
    if (plan.workspace_bytes() > static_cast<int64_t>(kMaxWorkspace))
      return true;
    const Result<float> elapsed = time(
        [&](cudaStream_t stream) { return cudnn_.run(plan, data, stream); });
    if (!elapsed) {
      // Try the others: perhaps only this one cannot be captured.
      fault = elapsed.error().sentence;
    } else if (*elapsed < best_time) {
      best_time = *elapsed;
      best = std::make_unique<ConvolutionPlan>(std::move(plan));
    }
    complete = std::chrono::steady_clock::now() < deadline_;
    return complete || !best;
  };
  FASTSCNN_TRY(cudnn_.plan(convolution, kPlansPerHeuristic, consider));
  if (!best)  // the first ones did not work
    FASTSCNN_TRY(cudnn_.plan(convolution, kAllPlans, consider));
  if (!best)
    return Error{Error::Kind::kEngine, "cuDNN cannot compute " + name +
                                           " on this GPU" +
                                           (fault.empty() ? "" : ": " + fault)};
  // If time ran out before all candidates were timed, the next process tries
  // again. A plan without a JSON form is chosen anew by each process.
  if (const Result<std::string> json = best->json())
    cache_->insert(name, *json, complete);
  return best;
}

/// Null if the cache has no plan that works.
std::unique_ptr<ConvolutionPlan> Tuner::from_cache(
    const std::string &name, const ConvolutionData &data) {
  const std::string json = cache_->find(name);
  if (json.empty()) return nullptr;
  Result<std::unique_ptr<ConvolutionPlan>> plan = load(json, data);
  if (!plan)
    warn_("Rebuilding a cached plan that does not work: " +
          plan.error().sentence);
  if (plan && *plan) return std::move(*plan);
  cache_->remove(name);
  return nullptr;
}

/// Null if it needs too large a workspace.
Result<std::unique_ptr<ConvolutionPlan>> Tuner::load(
    const std::string &json, const ConvolutionData &data) {
  ConvolutionPlan plan = FASTSCNN_TRY(cudnn_.load(json));
  if (plan.workspace_bytes() > static_cast<int64_t>(kMaxWorkspace))
    return nullptr;
  FASTSCNN_TRY(cudnn_.run(plan, data, stream_.get()));
  TRY_CUDA(cudaStreamSynchronize(stream_.get()));
  return std::make_unique<ConvolutionPlan>(std::move(plan));
}

Result<bool> Tuner::prefers_fused(
    const std::string &block, const Form &fused, const Form &layers,
    const std::function<Result<bool>(cudaStream_t)> &agree) {
  const std::string name = kFormVersion + block;
  const std::string known = cache_->find(name);
  if (known == kFused || known == kLayers) return known == kFused;
  const float time_of_layers = FASTSCNN_TRY(time(layers));
  const Result<float> time_of_fused = time(fused);
  if (!time_of_fused) {
    warn_("Computing " + block + " layer by layer: its fused kernel failed: " +
          time_of_fused.error().sentence);
    return false;
  }
  bool chosen = *time_of_fused <= time_of_layers;
  if (chosen && !FASTSCNN_TRY(agree(stream_.get()))) {
    warn_("Computing " + block +
          " layer by layer: its fused kernel computes something else");
    chosen = false;
  }
  cache_->insert(name, chosen ? kFused : kLayers, true);
  return chosen;
}

Result<float> Tuner::time(const Form &form) {
  cudaStream_t stream = stream_.get();
  // The first run loads the kernels, which is not allowed during a capture.
  FASTSCNN_TRY(form(stream));
  TRY_CUDA(cudaStreamSynchronize(stream));
  const auto runs = [&](cudaStream_t s) -> Result<> {
    for (int i = 0; i < kRunsPerGraph; i++) FASTSCNN_TRY(form(s));
    return {};
  };
  Graph graph = FASTSCNN_TRY(capture(stream, runs));
  GraphExec exec = FASTSCNN_TRY(instantiate(graph));
  TRY_CUDA(cudaGraphLaunch(exec.get(), stream));
  float best = std::numeric_limits<float>::infinity();
  for (int i = 0; i < kReplays; i++) {
    TRY_CUDA(cudaEventRecord(begin_.get(), stream));
    TRY_CUDA(cudaGraphLaunch(exec.get(), stream));
    TRY_CUDA(cudaEventRecord(end_.get(), stream));
    TRY_CUDA(cudaEventSynchronize(end_.get()));
    float ms = 0;
    TRY_CUDA(cudaEventElapsedTime(&ms, begin_.get(), end_.get()));
    best = std::min(best, ms);
  }
  return best;
}

}  // namespace fastscnn::cuda
