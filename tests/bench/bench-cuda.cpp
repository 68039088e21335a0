// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/bench-cuda.h"

#include <chrono>
#include <cstdio>
#include <functional>

#include "cuda/engine/engine.h"
#include "tests/bench/timing.h"
#include "tests/gpu/device.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

namespace fastscnn {
namespace {

using namespace fastscnn::cuda;
using fastscnn::testing::DeviceCopy;

constexpr int kWarmUp = 50;
constexpr int kFrames = 500;
// Long enough to time every candidate: the benchmark runs the fastest plans.
constexpr std::chrono::seconds kBudget{600};

size_t free_bytes() {
  size_t free = 0, total = 0;
  CHECK_CUDA(cudaMemGetInfo(&free, &total));
  return free;
}

class Bench {
 public:
  Bench(std::shared_ptr<const Model> model, const std::string &plans,
        int frames, bool json)
      : model_(std::move(model)),
        frames_(frames),
        json_(json),
        context_(must(Context::primary(0))),
        guard_(must(ContextGuard::enter(*context_))),
        cache_(std::make_shared<PlanCache>(
            plans, "bench", [](const std::string &) {}, kBudget)),
        stream_(must(make_stream())) {
    cudaDeviceProp properties;
    CHECK_CUDA(cudaGetDeviceProperties(&properties, 0));
    device_ = properties.name;
    if (!json_)
      std::printf("%s\n%-7s %5sx%-6s %8s %8s %8s %8s\n", device_.c_str(),
                  "memory", "width", "height", "ms", "p95", "fps", "MiB");
  }

  void run(int width, int height) {
    on_device(width, height);
    in_system_memory(width, height);
  }

 private:
  std::unique_ptr<Engine> make(const FrameInfo &info) {
    const size_t before = free_bytes();
    auto weights = must(Weights<__half>::create(context_, model_));
    auto engine =
        make_engine<__half>(context_, std::make_shared<ExecutorPool>(), weights,
                            cache_, [](const std::string &) {});
    must(engine->configure(info,
                           {info.width, info.height, info.width, info.height}));
    cache_->save([](const std::string &) {});
    fused_blocks_ = engine->fused_blocks();
    const size_t after = free_bytes();  // other processes may free some, too
    peak_bytes_ = before > after ? before - after : 0;
    return engine;
  }

  /// Times each run with the host's clock.
  Spread time_host(const std::function<void()> &run) const {
    std::vector<double> ms;
    for (int i = -kWarmUp; i < frames_; i++) {
      const double elapsed = milliseconds(run);
      if (i >= 0) ms.push_back(elapsed);
    }
    return summarize(ms);
  }

  /// Times each run with the device's clock.
  Spread time_device(cudaStream_t stream,
                     const std::function<void()> &run) const {
    const Event begin = must(make_timing_event());
    const Event end = must(make_timing_event());
    std::vector<double> ms;
    for (int i = -kWarmUp; i < frames_; i++) {
      CHECK_CUDA(cudaEventRecord(begin.get(), stream));
      run();
      CHECK_CUDA(cudaEventRecord(end.get(), stream));
      CHECK_CUDA(cudaEventSynchronize(end.get()));
      float elapsed = 0;
      CHECK_CUDA(cudaEventElapsedTime(&elapsed, begin.get(), end.get()));
      if (i >= 0) ms.push_back(elapsed);
    }
    return summarize(ms);
  }

  void on_device(int width, int height) {
    reference::Lcg lcg(1);
    const auto frame =
        reference::make_frame("NV12", width, height, 0, false, lcg);
    const DeviceCopy<uint8_t> bytes(frame.bytes.data(), frame.bytes.size());
    const ConstFrame moved = as_const(reference::planes_in(bytes.get(), frame));
    const DeviceCopy<uint8_t> ids(size_t(width) * height);
    FrameInfo info = frame.info;
    info.memory = Memory::kDevice;
    auto engine = make(info);
    Mask mask = {ids.get(), width};
    mask.memory = Memory::kDevice;
    const Queue queue = {context_->handle(), stream_.get()};
    const auto segment = [&] { must(engine->segment(moved, mask, {}, queue)); };
    const Spread all = time_host(segment);
    const Spread device = time_device(stream_.get(), segment);
    print("device", width, height, all, {{"device", device.median}});
  }

  void in_system_memory(int width, int height) {
    reference::Lcg lcg(1);
    const auto frame =
        reference::make_frame("NV12", width, height, 0, false, lcg);
    std::vector<uint8_t> ids(size_t(width) * height);
    auto engine = make(frame.info);
    const Mask mask = {ids.data(), width};
    const Spread all =
        time_host([&] { must(engine->segment(frame.frame, mask, {}, {})); });
    const size_t frame_bytes = size_t(width) * height * 3 / 2;
    const PinnedMemory pinned = must(make_pinned_memory(frame_bytes));
    const DeviceMemory device = must(make_device_memory(frame_bytes));
    const auto time_copy = [&](void *dst, const void *src, size_t size) {
      const auto copy = [&] {
        CHECK_CUDA(
            cudaMemcpyAsync(dst, src, size, cudaMemcpyDefault, stream_.get()));
      };
      return time_device(stream_.get(), copy).median;
    };
    print("system", width, height, all,
          {{"upload", time_copy(device.get(), pinned.get(), frame_bytes)},
           {"download", time_copy(pinned.get(), device.get(), ids.size())}});
  }

  void print(const char *memory, int width, int height, const Spread &all,
             const std::vector<std::pair<const char *, double>> &stages) {
    if (!json_) {
      std::printf("%-7s %5dx%-6d %8.3f %8.3f %8.0f %8.1f", memory, width,
                  height, all.median, all.p95, 1000 / all.median,
                  peak_bytes_ / 1048576.0);
      for (const auto &[stage, ms] : stages)
        std::printf("  %s %.3f", stage, ms);
      std::printf("\n  fused: %s\n", fused_blocks_.c_str());
      return;
    }
    std::printf(
        "{\"name\":\"fastscnn-cuda\",\"backend\":\"cuda\",\"device\":\"%s\","
        "\"memory\":\"%s\",\"format\":\"NV12\",\"width\":%d,\"height\":%d,"
        "\"batch\":1,\"ms_median\":%.4f,\"ms_p95\":%.4f,\"fps\":%.1f,"
        "\"peak_bytes\":%zu,\"fused_blocks\":\"%s\",\"stage\":{",
        device_.c_str(), memory, width, height, all.median, all.p95,
        1000 / all.median, peak_bytes_, fused_blocks_.c_str());
    for (size_t i = 0; i < stages.size(); i++)
      std::printf("%s\"%s\":%.4f", i ? "," : "", stages[i].first,
                  stages[i].second);
    std::printf("}}\n");
    std::fflush(stdout);
  }

  const std::shared_ptr<const Model> model_;
  const int frames_;
  const bool json_;
  std::shared_ptr<const Context> context_;
  ContextGuard guard_;
  std::shared_ptr<PlanCache> cache_;
  Stream stream_;
  std::string device_;
  size_t peak_bytes_ = 0;
  std::string fused_blocks_;
};

/// State of serve_cuda().
struct Served {
  Served(std::shared_ptr<const Model> model, int width, int height,
         const std::string &plans)
      : context(must(Context::primary(0))),
        guard(must(ContextGuard::enter(*context))),
        stream(must(make_stream())),
        begin(must(make_timing_event())),
        end(must(make_timing_event())),
        pixels(size_t(width) * height),
        bytes(3 * pixels),
        ids(pixels),
        mask{ids.get(), width} {
    reference::Lcg lcg(1);
    FrameInfo info =
        reference::make_frame("RGB", width, height, 0, false, lcg).info;
    info.memory = mask.memory = Memory::kDevice;
    const auto ignore = [](const std::string &) {};
    engine = make_engine<__half>(
        context, std::make_shared<ExecutorPool>(),
        must(Weights<__half>::create(context, model)),
        std::make_shared<PlanCache>(plans, "bench", ignore, kBudget), ignore);
    must(engine->configure(info, {width, height, width, height}));
  }

  double segment(const uint8_t *rgb, uint8_t *dst) {
    CHECK_CUDA(
        cudaMemcpy(bytes.get(), rgb, 3 * pixels, cudaMemcpyHostToDevice));
    ConstFrame frame;
    frame.data[0] = bytes.get();
    frame.stride[0] = 3 * mask.stride;
    CHECK_CUDA(cudaEventRecord(begin.get(), stream.get()));
    must(engine->segment(frame, mask, {}, {context->handle(), stream.get()}));
    CHECK_CUDA(cudaEventRecord(end.get(), stream.get()));
    CHECK_CUDA(cudaEventSynchronize(end.get()));
    float ms = 0;
    CHECK_CUDA(cudaEventElapsedTime(&ms, begin.get(), end.get()));
    CHECK_CUDA(cudaMemcpy(dst, ids.get(), pixels, cudaMemcpyDeviceToHost));
    return ms;
  }

  std::shared_ptr<const Context> context;
  ContextGuard guard;
  std::unique_ptr<Engine> engine;
  Stream stream;
  Event begin, end;
  size_t pixels;
  DeviceCopy<uint8_t> bytes, ids;
  Mask mask;
};

}  // namespace

Segment serve_cuda(std::shared_ptr<const Model> model, int width, int height,
                   const std::string &plans) {
  const auto served =
      std::make_shared<Served>(std::move(model), width, height, plans);
  return [served](const uint8_t *rgb, uint8_t *ids) {
    return served->segment(rgb, ids);
  };
}

void bench_cuda(std::shared_ptr<const Model> model,
                const std::vector<std::pair<int, int>> &sizes,
                const std::string &plans, int frames, bool json) {
  Bench bench(std::move(model), plans, frames ? frames : kFrames, json);
  for (auto [width, height] : sizes) bench.run(width, height);
}

}  // namespace fastscnn
