// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames per second of 1, 2, 4, 8, 16 and 64 engines that share executors and
// segment at the same time, each in a thread of its own, from and to device
// memory.
//   bench-parallel MODEL PLANS
#include <cstdio>
#include <thread>

#include "cuda/engine/engine.h"
#include "tests/bench/timing.h"
#include "tests/gpu/device.h"
#include "tests/support/frames.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::testing::DeviceCopy;

namespace {

constexpr int kWarmUp = 20, kFrames = 300;
constexpr std::chrono::seconds kBudget{60};

void ignore(const std::string &) {}

/// An engine with a frame, a mask and a queue of its own.
struct Camera {
  Camera(std::shared_ptr<const Context> context,
         std::shared_ptr<ExecutorPool> pool,
         std::shared_ptr<const Weights<__half>> weights,
         std::shared_ptr<PlanCache> cache, const reference::TestFrame &frame)
      : context(std::move(context)),
        engine(make_engine<__half>(this->context, std::move(pool),
                                   std::move(weights), std::move(cache),
                                   ignore)),
        bytes(frame.bytes.data(), frame.bytes.size()),
        ids(size_t(frame.info.width) * frame.info.height),
        src(as_const(reference::planes_in(bytes.get(), frame))),
        mask{ids.get(), frame.info.width},
        stream(must(make_stream())) {
    FrameInfo info = frame.info;
    info.memory = mask.memory = Memory::kDevice;
    must(engine->configure(info,
                           {info.width, info.height, info.width, info.height}));
    run(kWarmUp);
  }

  void run(int frames) {
    const Queue queue = {context->handle(), stream.get()};
    for (int i = 0; i < frames; i++)
      must(engine->segment(src, mask, {}, queue));
  }

  std::shared_ptr<const Context> context;
  std::unique_ptr<Engine> engine;
  DeviceCopy<uint8_t> bytes, ids;
  ConstFrame src;
  Mask mask;
  Stream stream;
};

/// Frames per second of all cameras together.
double measure(const std::vector<std::unique_ptr<Camera>> &cameras) {
  const double ms = milliseconds([&] {
    std::vector<std::thread> threads;
    for (const auto &camera : cameras)
      threads.emplace_back([&camera] { camera->run(kFrames); });
    for (std::thread &thread : threads) thread.join();
  });
  return 1000 * kFrames * cameras.size() / ms;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-parallel MODEL PLANS\n");
    return 2;
  }
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  const auto weights =
      must(Weights<__half>::create(context, must(Model::load(argv[1]))));
  const auto cache =
      std::make_shared<PlanCache>(argv[2], "bench", ignore, kBudget);
  const auto pool = std::make_shared<ExecutorPool>();
  for (int height : {256, 512, 1024}) {
    reference::Lcg lcg(1);
    const auto frame =
        reference::make_frame("NV12", 2 * height, height, 0, false, lcg);
    std::vector<std::unique_ptr<Camera>> cameras;
    for (size_t count : {1, 2, 4, 8, 16, 64}) {
      while (cameras.size() < count)
        cameras.push_back(
            std::make_unique<Camera>(context, pool, weights, cache, frame));
      std::printf("%zu streams of %dx%d: %.0f fps\n", count, 2 * height, height,
                  measure(cameras));
      std::fflush(stdout);
    }
  }
  return 0;
}
