// SPDX-License-Identifier: LGPL-2.1-or-later
// Many streams on one GPU share its buffers, and nothing else.
#include <glib.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cuda/engine/engine.h"
#include "cuda/engine/kernels/temporalfilter.h"
#include "tests/cuda/fakecuda.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

constexpr int kMaskSize = 16;

void ignore(const std::string &) {}

size_t count(const char *call) {
  const auto &calls = fakecuda::calls();
  return std::count(calls.begin(), calls.end(), call);
}

/// The objects that the engines of a device share.
struct Gpu {
  std::shared_ptr<const Context> context = must(Context::primary(0));
  std::shared_ptr<ExecutorPool> pool;
  std::shared_ptr<PlanCache> cache =
      std::make_shared<PlanCache>("", "", ignore);

  explicit Gpu(int limit) : pool(std::make_shared<ExecutorPool>(limit)) {}

  std::shared_ptr<const Weights<__half>> load(int classes) const {
    return must(Weights<__half>::create(
        context, reference::make_model(Variant::tramac(), classes)));
  }
};

struct Stream {
  std::unique_ptr<Engine> engine;
  reference::Lcg lcg{1};
  std::unique_ptr<reference::TestFrame> frame;

  /// width, height: of the frames, and of the network's input.
  Stream(const Gpu &gpu, std::shared_ptr<const Weights<__half>> weights,
         int width, int height)
      : engine(make_engine<__half>(gpu.context, gpu.pool, std::move(weights),
                                   gpu.cache, ignore)) {
    configure(width, height, width, height);
  }

  void configure(int width, int height, int input_width, int input_height) {
    frame.reset(new reference::TestFrame(
        reference::make_frame("NV12", width, height, 0, false, lcg)));
    must(engine->configure(frame->info,
                           {input_width, input_height, kMaskSize, kMaskSize}));
  }

  Result<> segment(float smoothing = 0.5f) const {
    std::vector<uint8_t> ids(kMaskSize * kMaskSize);
    const Mask mask = {ids.data(), kMaskSize};
    Options options;
    options.smoothing = smoothing;
    return engine->segment(frame->frame, mask, options, {});
  }
};

/// Sixteen cameras, two models and two sizes, at the same time.
void test_many() {
  constexpr int kStreams = 16, kFrames = 25;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  {
    const Gpu gpu(4);
    const std::shared_ptr<const Weights<__half>> models[] = {gpu.load(19),
                                                             gpu.load(11)};
    std::vector<std::thread> threads;
    std::atomic<int> segmented{0};
    for (int i = 0; i < kStreams; i++)
      threads.emplace_back([&, i] {
        const int height = i % 4 < 2 ? 32 : 64;
        const Stream stream(gpu, models[i % 2], 64, height);
        for (int frame = 0; frame < kFrames; frame++) {
          must(stream.segment());
          segmented++;
        }
      });
    for (auto &thread : threads) thread.join();
    g_assert_cmpint(segmented, ==, kStreams * kFrames);
    g_assert_cmpuint(fakecuda::most("cudnn"), <=, 4);
    g_assert_cmpuint(fakecuda::most("cudnn"), >=, 2);
    g_assert_false(fakecuda::busy());
  }
  g_assert_cmpuint(fakecuda::alive(), ==, 0);
}

/// If a frame of one stream fails, the executor still works for the others.
void test_error() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const Gpu gpu(1);
  const auto weights = gpu.load(19);
  const Stream failing(gpu, weights, 64, 32), other(gpu, weights, 64, 32);
  for (int i = 0; i < 2; i++)
    for (const Stream *stream : {&failing, &other}) must(stream->segment());
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(failing.segment());
  const size_t calls = fakecuda::calls().size();
  for (size_t call = 0; call < calls; call++) {
    fakecuda::begin(fakecuda::Fault::kOnce, call);
    g_assert_false(failing.segment().has_value());
    g_assert_false(fakecuda::busy());
    must(other.segment());
    must(failing.segment());
  }
  fakecuda::begin(fakecuda::Fault::kNone, 0);
}

/// Each stream has its own average, whichever executor computes its frames.
void test_smoothing() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const Gpu gpu(1);
  const auto weights = gpu.load(19);
  const Stream a(gpu, weights, 64, 32), b(gpu, weights, 64, 32);
  must(a.segment());  // the graph is captured after this frame

  std::vector<const void *> kernels;
  TemporalFilter<__half> filter = {};
  SceneChange<__half> scene = {};
  int updates = 0;
  fakecuda::watch_updates([&](const void *kernel) {
    updates++;  // of preprocess, scene change, filter, argmax
    if (updates == 2) std::memcpy(&scene, kernel, sizeof scene);
    if (updates == 3) std::memcpy(&filter, kernel, sizeof filter);
  });
  const auto segment = [&](const Stream &stream) {
    updates = 0;
    must(stream.segment());
    g_assert_cmpint(updates, ==, 4);
    return filter;
  };
  const auto b1 = segment(b);
  const float *samples_of_b = scene.previous;
  const auto a2 = segment(a);
  g_assert_true(scene.previous != samples_of_b);
  const auto b2 = segment(b);
  g_assert_true(scene.previous == samples_of_b);
  g_assert_true(a2.average != b1.average);
  g_assert_true(b2.average == b1.average);
  g_assert_true(a2.change != b1.change && b2.change == b1.change);
  g_assert_true(a2.logits == b1.logits);  // of the one executor
  g_assert_cmpfloat(b1.weight, ==, 0);
  g_assert_cmpfloat(a2.weight, ==, 0.5f);
  g_assert_cmpfloat(b2.weight, ==, 0.5f);
  b.engine->reset();
  g_assert_cmpfloat(segment(b).weight, ==, 0);
  g_assert_cmpfloat(segment(a).weight, ==, 0.5f);
  fakecuda::watch_updates(nullptr);
}

/// Streams share an executor whether or not they fuse the front. That is chosen
/// for each size of frames, and only when a stream is configured.
void test_fronts() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const Gpu gpu(1);
  gpu.cache->insert("form 2: the front of 64x32 from 128x64/1 64x32/2 64x32/2",
                    "layers", true);
  const auto weights = gpu.load(19);
  Stream fused(gpu, weights, 64, 32), layers(gpu, weights, 64, 32);
  const size_t tuned = count("cudaEventElapsedTime");
  layers.configure(128, 64, 64, 32);
  g_assert_cmpuint(count("cudaEventElapsedTime"), ==, tuned);  // cached
  g_assert_true(g_str_has_prefix(fused.engine->fused_blocks().c_str(),
                                 "lds lds.ds1 lds.ds2 "));
  g_assert_true(g_str_has_prefix(layers.engine->fused_blocks().c_str(),
                                 "lds.ds1 lds.ds2 "));
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  for (int i = 0; i < 3; i++) {
    must(fused.segment(0));
    must(layers.segment(0));
    must(fused.segment());  // from an image, like the other stream
    must(layers.segment());
    // Graphs with the fused front, without it, and with a filter.
    g_assert_cmpuint(count("cudaGraphInstantiateWithFlags"), ==, 3);
  }
  g_assert_cmpuint(count("cudaEventElapsedTime"), ==, 0);
  g_assert_cmpuint(count("cudnnCreate"), ==, 0);
}

/// Frames of another size keep the executor if the input keeps its size.
void test_renegotiation() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const Gpu gpu(4);
  Stream stream(gpu, gpu.load(19), 64, 32);
  must(stream.segment());
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  stream.configure(128, 64, 64, 32);
  g_assert_cmpuint(count("cudnnCreate"), ==, 0);
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(stream.segment());
  g_assert_cmpuint(count("cudaGraphInstantiateWithFlags"), ==, 0);
  stream.configure(128, 64, 128, 64);
  must(stream.segment());
  g_assert_cmpuint(count("cudnnCreate"), ==, 1);
  g_assert_cmpuint(fakecuda::most("cudnn"), ==, 1);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/streams/many", test_many);
  g_test_add_func("/cuda/streams/error", test_error);
  g_test_add_func("/cuda/streams/smoothing", test_smoothing);
  g_test_add_func("/cuda/streams/fronts", test_fronts);
  g_test_add_func("/cuda/streams/renegotiation", test_renegotiation);
  return g_test_run();
}
