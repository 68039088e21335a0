// SPDX-License-Identifier: LGPL-2.1-or-later
// The CUDA engine on a GPU: the tests of all engines, with half and single
// precision, and those of its plan cache and memory.
#include <glib/gstdio.h>

#include <map>
#include <mutex>

#include "cuda/engine/engine.h"
#include "cuda/hostmemory.h"
#include "tests/gpu/device.h"
#include "tests/support/contracttests.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::testing::DeviceCopy;
using fastscnn::testing::kDeviceMemory;
using reference::TestFrame;

namespace {

std::shared_ptr<const Context> primary() { return must(Context::primary(0)); }

void ignore(const std::string &) {}

/// Fails the test: nothing here should cause a warning.
void warn(const std::string &sentence) {
  g_test_message("%s", sentence.c_str());
  g_test_fail();
}

/// Takes the first plan that works and writes no file. Shared by all tests,
/// because building plans takes seconds.
std::shared_ptr<PlanCache> plan_cache() {
  static const auto cache =
      std::make_shared<PlanCache>("", "", ignore, std::chrono::seconds(0));
  return cache;
}

std::shared_ptr<ExecutorPool> executors() {
  static const auto pool = std::make_shared<ExecutorPool>();
  return pool;
}

template <typename T>
std::shared_ptr<const Weights<T>> weights_of(
    const std::shared_ptr<const Model> &model) {
  static std::mutex mutex;
  static std::map<const Model *, std::weak_ptr<const Weights<T>>> known;
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<const Weights<T>> weights = known[model.get()].lock();
  if (!weights)
    known[model.get()] = weights = must(Weights<T>::create(primary(), model));
  return weights;
}

template <typename T>
std::unique_ptr<Engine> create(std::shared_ptr<const Model> model, int) {
  return make_engine<T>(primary(), executors(), weights_of<T>(model),
                        plan_cache(), warn);
}

/// The ids, then the confidences, of a frame in host memory.
std::vector<uint8_t> segment(Engine &engine, const TestFrame &frame,
                             const Options &options = {},
                             bool with_confidence = true) {
  const int width = engine.mask_width();
  const size_t pixels = size_t(width) * engine.mask_height();
  std::vector<uint8_t> planes(2 * pixels);
  Mask mask = {planes.data(), width};
  mask.confidence_stride = width;
  if (with_confidence) mask.confidence = planes.data() + pixels;
  must(engine.segment(frame.frame, mask, options, {}));
  return planes;
}

/// Full-size frames in device memory, one after the other.
void test_stream(gconstpointer counting) {
  const auto context = primary();
  constexpr int kWidth = 2048, kHeight = 1024, kFrames = 3;
  reference::Lcg lcg(1);
  std::vector<std::shared_ptr<uint8_t>> bytes;
  std::vector<ConstFrame> frames;
  FrameInfo info;
  for (int f = 0; f < kFrames; f++) {
    const TestFrame frame =
        reference::make_frame("RGB", kWidth, kHeight, 0, false, lcg);
    bytes.push_back(kDeviceMemory.copy(frame.bytes));
    frames.push_back(frame.frame);
    frames.back().data[0] = bytes.back().get();
    info = frame.info;
  }
  info.memory = Memory::kDevice;
  const auto engine =
      create<__half>(reference::make_model(Variant::tramac(), 11), 0);
  must(engine->configure(info, {kWidth, kHeight, kWidth, kHeight}));
  const Stream stream = must(make_stream());
  const size_t pixels = size_t(kWidth) * kHeight;
  const DeviceCopy<uint8_t> planes(2 * pixels);
  uint32_t counts[256];
  const Mask mask = {planes.get(),          kWidth,
                     planes.get() + pixels, kWidth,
                     Memory::kDevice,       counting ? counts : nullptr};
  std::vector<uint8_t> expected[kFrames];
  for (int i = 0; i < 100; i++) {
    const int f = i % kFrames;
    must(engine->segment(frames[f], mask, {},
                         {context->handle(), stream.get()}));
    if (i >= kFrames && i % 4) continue;
    const auto found = planes.read();
    if (i < kFrames) expected[f] = found;
    g_assert_true(found == expected[f]);
    if (!counting) continue;
    uint32_t counted[256] = {};
    for (size_t p = 0; p < pixels; p++) counted[found[p]]++;
    g_assert_cmpmem(counts, sizeof counts, counted, sizeof counted);
  }
  g_assert_true(expected[0] != expected[1]);
}

/// Device memory does not grow with the number of frames. Fails if another
/// process allocates device memory meanwhile.
void test_growth() {
  const auto engine =
      create<__half>(reference::make_model(Variant::tramac(), 19), 0);
  reference::Lcg lcg(1);
  const TestFrame frame = reference::make_frame("NV12", 96, 64, 0, false, lcg);
  must(engine->configure(frame.info, {160, 96, 96, 64}));
  const auto expected = segment(*engine, frame);
  const auto free_bytes = [] {
    size_t free = 0, total = 0;
    CHECK_CUDA(cudaMemGetInfo(&free, &total));
    return free;
  };
  Options options;
  for (int i = 0; i < 100; i++) segment(*engine, frame, options);
  const size_t before = free_bytes();
  for (int i = 0; i < 10000; i++) {
    options.confidence_threshold = i % 3 ? 0.f : 0.5f;
    segment(*engine, frame, options, i % 2);
  }
  g_assert_cmpuint(free_bytes() + (1 << 20), >=, before);
  g_assert_true(segment(*engine, frame) == expected);
}

/// All kinds of memory give the same mask, for the first frame, which runs
/// kernel by kernel, and for later ones, which graphs compute, with both ways
/// to wait.
void test_memory() {
  const auto engine =
      create<__half>(reference::make_model(Variant::tramac(), 19), 0);
  reference::Lcg lcg(1);
  const TestFrame frame =
      reference::make_frame("NV12", 1024, 640, 0, false, lcg);
  must(engine->configure(frame.info, {256, 160, 1024, 640}));
  constexpr size_t kPixels = 1024 * 640;
  const PinnedMemory bytes = must(make_pinned_memory(frame.bytes.size()));
  std::copy(frame.bytes.begin(), frame.bytes.end(),
            static_cast<uint8_t *>(bytes.get()));
  const ConstFrame pinned = as_const(
      reference::planes_in(static_cast<uint8_t *>(bytes.get()), frame));
  const PinnedMemory ids = must(make_pinned_memory(kPixels));
  std::vector<uint8_t> plain(kPixels), expected;
  uint32_t counts[256], expected_counts[256];
  for (int i = 0; i < 16; i++) {
    Mask mask = {i & 1 ? static_cast<uint8_t *>(ids.get()) : plain.data(),
                 1024};
    mask.counts = counts;
    Options options;
    options.sleeps = i & 4;
    must(engine->segment(i & 2 ? pinned : frame.frame, mask, options, {}));
    const std::vector<uint8_t> found(mask.ids, mask.ids + kPixels);
    if (i == 0) {
      expected = found;
      std::copy(counts, counts + 256, expected_counts);
    }
    g_assert_true(found == expected);
    g_assert_cmpmem(counts, sizeof counts, expected_counts, sizeof counts);
    std::fill_n(mask.ids, kPixels, 0xff);
  }
}

/// Frames in the caller's memory give the same masks before, while and after it
/// is registered; so does a frame that shares pages with registered neighbours.
void test_registered() {
  constexpr int kWidth = 500, kHeight = 300, kFrames = 3;
  const auto engine =
      create<__half>(reference::make_model(Variant::tramac(), 19), 0);
  reference::Lcg lcg(1);
  TestFrame frames =
      reference::make_frame("RGB", kWidth, kHeight * kFrames, 0, false, lcg);
  FrameInfo info = frames.info;
  info.height = info.rows[0] = kHeight;
  must(engine->configure(info, {256, 160, kWidth, kHeight}));
  constexpr size_t kBytes = size_t(3) * kWidth * kHeight;
  std::vector<uint8_t> expected[kFrames];
  std::shared_ptr<void> registrations[kFrames];
  const auto check = [&] {
    for (int f = 0; f < kFrames; f++) {
      ConstFrame frame = frames.frame;
      frame.data[0] += f * kBytes;
      std::vector<uint8_t> ids(kWidth * kHeight);
      must(engine->segment(frame, {ids.data(), kWidth}, {}, {}));
      if (expected[f].empty()) expected[f] = ids;
      g_assert_true(ids == expected[f]);
    }
  };
  check();
  for (const int f : {0, 2, 1}) {
    uint8_t *bytes = frames.bytes.data() + f * kBytes;
    if (const auto done = register_host_memory(primary(), bytes, kBytes))
      registrations[f] = *done;
    g_test_message("frame %d: %s", f, registrations[f] ? "pinned" : "refused");
    check();
  }
  g_assert_true(must(is_pinned(frames.bytes.data(), kBytes)));
  for (const int f : {1, 0, 2}) {
    registrations[f].reset();
    check();
  }
  g_assert_false(must(is_pinned(frames.bytes.data(), kBytes)));
}

/// An engine that reads its plans from the file computes the same masks.
void test_plans() {
  gchar *folder = g_dir_make_tmp("plans-XXXXXX", nullptr);
  const std::string path = std::string(folder) + "/plans";
  const auto model = reference::make_model(Variant::tramac(), 19);
  reference::Lcg lcg(1);
  const TestFrame frame = reference::make_frame("NV12", 64, 32, 0, false, lcg);
  std::vector<uint8_t> masks[2];
  for (auto &mask : masks) {
    const auto plans = std::make_shared<PlanCache>(path, "test", warn,
                                                   std::chrono::seconds(600));
    const auto engine = make_engine<__half>(
        primary(), executors(), weights_of<__half>(model), plans, warn);
    const gint64 begin = g_get_monotonic_time();
    must(engine->configure(frame.info, {64, 32, 64, 32}));
    g_test_message("%.1f s", (g_get_monotonic_time() - begin) / 1e6);
    mask = segment(*engine, frame);
    plans->save(warn);
    g_assert_true(g_file_test(path.c_str(), G_FILE_TEST_EXISTS));
  }
  g_assert_true(masks[0] == masks[1]);
  g_remove(path.c_str());
  g_assert_cmpint(g_rmdir(folder), ==, 0);
  g_free(folder);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (testing::skip_without_device()) return 0;
  const auto context = primary();  // kept, because creating it takes long
  const ContextGuard guard = must(ContextGuard::enter(*context));
  const Stream stream = must(make_stream());
  const Queue queue = {context->handle(), stream.get()};
  // Tolerances were fixed before anything was measured.
  testing::add_engine_tests({"gpu-half",
                             create<__half>,
                             {0.05, 0.1, 3, 255},
                             {0, 0.005, 3, 255},
                             &kDeviceMemory,
                             queue});
  testing::add_engine_tests({"gpu-float",
                             create<float>,
                             {1e-3, 0.0005, 1, 3},
                             {0, 0.0005, 1, 3},
                             &kDeviceMemory,
                             queue});
  g_test_add_data_func("/gpu/engine/stream/counted", GINT_TO_POINTER(true),
                       test_stream);
  g_test_add_data_func("/gpu/engine/stream/plain", nullptr, test_stream);
  g_test_add_func("/gpu/engine/memory", test_memory);
  g_test_add_func("/gpu/engine/registered", test_registered);
  g_test_add_func("/gpu/engine/plans", test_plans);
  g_test_add_func("/gpu/engine/growth", test_growth);
  return g_test_run();
}
