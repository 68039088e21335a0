// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/tuner.h"

#include <algorithm>
#include <limits>

#include "cuda/graph.h"
#include "net/error.h"

namespace fastscnn::cuda {
namespace {

constexpr int kRunsPerGraph = 10;
constexpr int kReplays = 5;
constexpr int kMaxCandidates = 8;
constexpr std::chrono::seconds kBudget{20};

}  // namespace

Tuner::Tuner(const Cudnn &cudnn, PlanCache *cache, PlanCache::Warn warn)
    : cudnn_(cudnn),
      cache_(cache),
      warn_(std::move(warn)),
      stream_(make_stream()),
      begin_(make_timing_event()),
      end_(make_timing_event()),
      workspace_(make_device_memory(kMaxWorkspace)),
      deadline_(std::chrono::steady_clock::now() + kBudget) {}

std::unique_ptr<ConvolutionPlan> Tuner::choose(const Convolution &convolution,
                                               ConvolutionData data) {
  data.workspace = workspace_.get();
  const std::string name = convolution.name();
  if (auto known = from_cache(name, data)) return known;

  std::unique_ptr<ConvolutionPlan> best;
  float best_time = std::numeric_limits<float>::infinity();
  int candidates = 0;
  bool complete = true;
  std::string fault;
  cudnn_.plan(convolution, [&](ConvolutionPlan plan) {
    if (plan.workspace_bytes() > static_cast<int64_t>(kMaxWorkspace))
      return true;
    try {
      const float elapsed = time(plan, data);
      if (elapsed < best_time) {
        best_time = elapsed;
        best = std::make_unique<ConvolutionPlan>(std::move(plan));
      }
    } catch (const Error &e) {
      fault = e.what();  // this one cannot be captured, say; others may
    }
    complete = std::chrono::steady_clock::now() < deadline_;
    return ++candidates < kMaxCandidates && (complete || !best);
  });
  if (!best)
    throw Error(Error::Kind::kEngine, "cuDNN cannot compute " + name +
                                          " on this GPU" +
                                          (fault.empty() ? "" : ": " + fault));
  // Those that were looked at only in part get another chance next time.
  if (complete) cache_->insert(name, best->json());
  return best;
}

std::unique_ptr<ConvolutionPlan> Tuner::from_cache(
    const std::string &name, const ConvolutionData &data) {
  const std::string json = cache_->find(name);
  if (json.empty()) return nullptr;
  try {
    auto plan = std::make_unique<ConvolutionPlan>(cudnn_.load(json));
    if (plan->workspace_bytes() <= static_cast<int64_t>(kMaxWorkspace)) {
      cudnn_.run(*plan, data, stream_.get());
      CHECK_CUDA(cudaStreamSynchronize(stream_.get()));
      return plan;
    }
  } catch (const Error &e) {
    warn_("A cached plan is of no use and is made again: " +
          std::string(e.what()));
  }
  cache_->remove(name);
  return nullptr;
}

float Tuner::time(const ConvolutionPlan &plan, const ConvolutionData &data) {
  cudaStream_t stream = stream_.get();
  // Loads the kernels, which a capture must not.
  cudnn_.run(plan, data, stream);
  CHECK_CUDA(cudaStreamSynchronize(stream));
  Graph graph = capture(stream, [&](cudaStream_t s) {
    for (int i = 0; i < kRunsPerGraph; i++) cudnn_.run(plan, data, s);
  });
  GraphExec exec = instantiate(graph);
  CHECK_CUDA(cudaGraphLaunch(exec.get(), stream));
  float best = std::numeric_limits<float>::infinity();
  for (int i = 0; i < kReplays; i++) {
    CHECK_CUDA(cudaEventRecord(begin_.get(), stream));
    CHECK_CUDA(cudaGraphLaunch(exec.get(), stream));
    CHECK_CUDA(cudaEventRecord(end_.get(), stream));
    CHECK_CUDA(cudaEventSynchronize(end_.get()));
    float ms = 0;
    CHECK_CUDA(cudaEventElapsedTime(&ms, begin_.get(), end_.get()));
    best = std::min(best, ms);
  }
  return best;
}

}  // namespace fastscnn::cuda
