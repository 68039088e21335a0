// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine on the device: against the plain reference, in both kinds of
// memory, through many configurations and frames, from two threads.
#include <glib/gstdio.h>

#include <cmath>
#include <functional>
#include <thread>

#include "cuda/engine/engine.h"
#include "net/model.h"
#include "tests/support/frames.h"
#include "tests/gpu/device.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::cuda::testing::DeviceCopy;
using reference::TestFrame;

namespace {

// Of all pixels; fixed before anything was measured.
constexpr double kHalfAgreement = 0.995;
constexpr double kFloatAgreement = 0.9995;

struct Masks {
  std::vector<uint8_t> ids, confidence;
};

std::shared_ptr<const Context> primary() { return must(Context::primary(0)); }

void ignore(const std::string &) {}

/// A warning is a fault.
void warn(const std::string &sentence) {
  g_test_message("%s", sentence.c_str());
  g_test_fail();
}

/// In memory only, and the first plan that works; shared, because even that
/// takes seconds.
std::shared_ptr<PlanCache> plan_cache() {
  static const auto cache =
      std::make_shared<PlanCache>("", "", ignore, std::chrono::seconds(0));
  return cache;
}

template <typename T>
std::unique_ptr<Engine> create_engine(
    const std::shared_ptr<const Model> &model,
    const std::shared_ptr<PlanCache> &plans = plan_cache()) {
  const auto context = primary();
  return make_engine<T>(context, must(Weights<T>::create(context, model)),
                        plans, warn);
}

/// They are those of the pixels of the mask.
void check_counts(const uint32_t *counts, const uint8_t *ids, int height,
                  int width, int stride) {
  uint32_t expected[256] = {};
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) expected[ids[y * stride + x]]++;
  g_assert_cmpmem(counts, sizeof expected, expected, sizeof expected);
}

/// One frame of host memory to a mask in host memory.
Masks segment(Engine *engine, const ConstFrame &frame, const Options &options,
              bool with_confidence = true) {
  const size_t pixels = size_t(engine->mask_width()) * engine->mask_height();
  Masks masks;
  masks.ids.assign(pixels, 0xcc);
  masks.confidence.assign(pixels, 0xcc);
  Mask mask;
  mask.ids = masks.ids.data();
  mask.stride = engine->mask_width();
  if (with_confidence) mask.confidence = masks.confidence.data();
  mask.confidence_stride = engine->mask_width();
  uint32_t counts[256];
  mask.counts = counts;
  must(engine->segment(frame, mask, options, {}));
  check_counts(counts, mask.ids, engine->mask_height(), mask.stride,
               mask.stride);
  return masks;
}

double agreement(const std::vector<uint8_t> &a, const std::vector<uint8_t> &b) {
  g_assert_cmpuint(a.size(), ==, b.size());
  size_t same = 0;
  for (size_t i = 0; i < a.size(); i++) same += a[i] == b[i];
  return double(same) / a.size();
}

/// The model that ships, if it is found.
std::shared_ptr<const Model> shipped_model() {
  const char *folder = g_getenv("FASTSCNN_MODEL_PATH");
  if (!folder) return nullptr;
  GDir *dir = g_dir_open(folder, 0, nullptr);
  if (!dir) return nullptr;
  std::string path;
  while (const char *name = g_dir_read_name(dir))
    if (g_str_has_suffix(name, ".safetensors"))
      path = std::string(folder) + "/" + name;
  g_dir_close(dir);
  return path.empty() ? nullptr : must(Model::load(path));
}

/// Smooth areas with edges, of random colours: something like a street.
void draw(TestFrame *frame) {
  const FrameInfo &info = frame->info;
  int color[6][3];
  for (auto &c : color)
    for (int &v : c) v = g_test_rand_int_range(0, 256);
  for (int y = 0; y < info.height; y++)
    for (int x = 0; x < info.width; x++) {
      const double u = double(x) / info.width, v = double(y) / info.height;
      const int area = v > 0.55   ? (std::fabs(u - 0.5) < v - 0.4 ? 0 : 1)
                       : v < 0.3  ? 2
                       : u < 0.35 ? 3
                       : u > 0.7  ? 4
                                  : 5;
      for (int c = 0; c < 3; c++)
        frame->bytes[(size_t(y) * info.width + x) * 3 + c] =
            static_cast<uint8_t>(CLAMP(
                color[area][c] + 20 * std::sin(30 * u * (c + 1)) * v, 0, 255));
    }
}

/// Logits of the reference decide, except where they are nearly equal.
template <typename T>
void check_against_reference(const std::shared_ptr<const Model> &model,
                             int height, int width) {
  reference::Lcg lcg(g_test_rand_int());
  TestFrame frame =
      reference::make_frame("RGB", width + 11, height - 3, 0, false, lcg);
  draw(&frame);
  auto engine = create_engine<T>(model);
  must(engine->configure(frame.info, {width, height, width, height}));
  const Masks got = segment(engine.get(), frame.frame, {});
  const ModelInfo &info = model->info();
  const auto image = reference::preprocess(frame.info, frame.frame, width,
                                           height, info.mean, info.std);
  const auto expected =
      reference::classify(reference::run(*model, image).back(), width, height,
                          info.variant.align_corners);
  const double same = agreement(got.ids, expected.ids);
  g_test_message("%dx%d: %.4f %% of the pixels agree", width, height,
                 100 * same);
  g_assert_cmpfloat(same, >=,
                    sizeof(T) == 2 ? kHalfAgreement : kFloatAgreement);
}

std::vector<Variant> variants() {
  Variant other = Variant::mmseg();
  other.ffm_dw = Variant::FfmDw::kPw1;
  other.activation = Variant::Activation::kRelu6;
  return {Variant::tramac(), Variant::mmseg(), Variant::paper(), other};
}

void test_reference_float() {
  for (const Variant &variant : variants())
    check_against_reference<float>(reference::make_model(variant, 19), 96, 160);
}

/// Random weights leave most pixels undecided; logits have to be close.
void test_reference_half() {
  for (const Variant &variant : variants()) {
    const auto model = reference::make_model(variant, 19);
    reference::Lcg lcg(g_test_rand_int());
    const TestFrame frame =
        reference::make_frame("NV12", 160, 96, 0, false, lcg);
    auto half = create_engine<__half>(model);
    auto whole = create_engine<float>(model);
    for (Engine *engine : {half.get(), whole.get()})
      must(engine->configure(frame.info, {160, 96, 160, 96}));
    const Masks a = segment(half.get(), frame.frame, {});
    const Masks b = segment(whole.get(), frame.frame, {});
    double off = 0;
    for (size_t i = 0; i < a.confidence.size(); i++)
      off += std::abs(a.confidence[i] - b.confidence[i]);
    g_assert_cmpfloat(off / a.confidence.size(), <, 3);  // of 255
    g_assert_cmpfloat(agreement(a.ids, b.ids), >, 0.9);
  }
}

void test_shipped() {
  const auto model = shipped_model();
  if (!model) return g_test_skip("FASTSCNN_MODEL_PATH has no model");
  check_against_reference<__half>(model, 256, 512);
  check_against_reference<float>(model, 256, 512);
}

/// Frame and mask on the device give what those on the host give.
void test_memories() {
  const auto model = reference::make_model(Variant::tramac(), 19);
  reference::Lcg lcg(g_test_rand_int());
  for (const char *format : {"NV12", "I420", "RGB", "BGRx", "RGBA"}) {
    TestFrame frame = reference::make_frame(format, 333, 217, 5, false, lcg);
    const Config config = {160, 96, 300, 200};
    auto host = create_engine<__half>(model);
    must(host->configure(frame.info, config));
    const Masks expected = segment(host.get(), frame.frame, {});

    const auto context = primary();
    const ContextGuard guard = must(ContextGuard::enter(*context));
    const DeviceCopy<uint8_t> bytes(frame.bytes.data(), frame.bytes.size());
    ConstFrame moved = frame.frame;
    for (int p = 0; p < frame.info.planes; p++)
      moved.data[p] = bytes.get() + (frame.frame.data[p] - frame.bytes.data());
    FrameInfo info = frame.info;
    info.memory = Memory::kDevice;
    auto device = create_engine<__half>(model);
    must(device->configure(info, config));
    const Stream stream = must(make_stream());
    const int stride = 307;
    DeviceCopy<uint8_t> ids(size_t(stride) * 200);
    Mask mask;
    mask.ids = ids.get();
    mask.stride = stride;
    mask.memory = Memory::kDevice;
    uint32_t counts[256];
    mask.counts = counts;
    const Queue queue = {context->handle(), stream.get()};
    must(device->segment(moved, mask, {}, queue));
    const auto got = ids.read();
    for (int y = 0; y < 200; y++)
      for (int x = 0; x < stride; x++)
        g_assert_cmpint(got[y * stride + x], ==,
                        x < 300 ? expected.ids[y * 300 + x] : 0xff);
    check_counts(counts, got.data(), 200, 300, stride);
  }
}

void test_options() {
  const auto model = reference::make_model(Variant::mmseg(), 7);
  reference::Lcg lcg(g_test_rand_int());
  TestFrame frame = reference::make_frame("RGB", 160, 96, 0, false, lcg);
  auto engine = create_engine<__half>(model);
  must(engine->configure(frame.info, {160, 96, 160, 96}));
  const Masks plain = segment(engine.get(), frame.frame, {});
  Options options;
  options.confidence_threshold = 0.4f;
  const Masks strict = segment(engine.get(), frame.frame, options);
  for (size_t i = 0; i < plain.ids.size(); i++) {
    g_assert_cmpint(strict.confidence[i], ==, plain.confidence[i]);
    if (std::abs(plain.confidence[i] - 0.4 * 255) > 1)
      g_assert_cmpint(
          strict.ids[i], ==,
          plain.confidence[i] < 0.4 * 255 ? kUnknown : plain.ids[i]);
  }
  // The average of a picture with itself is the picture.
  options = {};
  options.smoothing = 0.9f;
  for (int i = 0; i < 3; i++)
    g_assert_cmpfloat(
        agreement(segment(engine.get(), frame.frame, options).ids, plain.ids),
        >, 0.999);
  // After another picture, and a reset, the past is forgotten.
  draw(&frame);
  engine->reset();
  const Masks fresh = segment(engine.get(), frame.frame, options);
  const Masks again = segment(engine.get(), frame.frame, {});
  g_assert_cmpfloat(agreement(fresh.ids, again.ids), ==, 1);
  // Without confidence the classes are the same.
  g_assert_true(segment(engine.get(), frame.frame, {}, false).ids == again.ids);
}

/// Sizes and formats that follow one another.
void test_configure() {
  const auto model = reference::make_model(Variant::paper(), 3);
  auto engine = create_engine<__half>(model);
  reference::Lcg lcg(g_test_rand_int());
  const struct {
    const char *format;
    int width, height;
    Config config;
  } cases[] = {{"NV12", 64, 48, {64, 32, 64, 48}},
               {"RGB", 1921, 1081, {256, 160, 0, 0}},
               {"GRAY8", 17, 333, {32, 96, 100, 7}},
               {"NV12", 64, 48, {64, 32, 64, 48}}};
  std::vector<uint8_t> first;
  for (const auto &c : cases) {
    reference::Lcg same(5);
    const TestFrame frame =
        reference::make_frame(c.format, c.width, c.height, 3, false, same);
    must(engine->configure(frame.info, c.config));
    if (c.config.mask_width == 0) {
      g_assert_cmpint(engine->mask_width(), ==, 32);
      g_assert_cmpint(engine->mask_height(), ==, 20);
    }
    const Masks masks = segment(engine.get(), frame.frame, {});
    for (uint8_t id : masks.ids) g_assert_cmpint(id, <, 3);
    if (first.empty()) first = masks.ids;
    if (&c == &cases[3]) g_assert_true(masks.ids == first);
  }
}

/// Frames of full size that stay on the device, one after the other and then
/// with the next on its way before the last is done.
void test_stream(gconstpointer counting) {
  const auto context = primary();
  const ContextGuard guard = must(ContextGuard::enter(*context));
  const auto model = reference::make_model(Variant::tramac(), 11);
  const int width = 2048, height = 1024, kFrames = 3;
  reference::Lcg lcg(1);
  std::vector<DeviceCopy<uint8_t>> bytes;
  std::vector<ConstFrame> frames;
  FrameInfo info;
  for (int f = 0; f < kFrames; f++) {
    TestFrame frame =
        reference::make_frame("RGB", width, height, 0, false, lcg);
    draw(&frame);
    bytes.emplace_back(frame.bytes.data(), frame.bytes.size());
    frames.push_back(frame.frame);
    for (int p = 0; p < frame.info.planes; p++)
      frames.back().data[p] =
          bytes.back().get() + (frame.frame.data[p] - frame.bytes.data());
    info = frame.info;
  }
  info.memory = Memory::kDevice;
  auto engine = create_engine<__half>(model);
  must(engine->configure(info, {width, height, width, height}));
  const Stream stream = must(make_stream());
  const Queue queue = {context->handle(), stream.get()};
  const size_t pixels = size_t(width) * height;
  DeviceCopy<uint8_t> planes(2 * pixels);
  uint32_t counts[256];
  Mask mask;
  mask.ids = planes.get();
  mask.stride = width;
  mask.memory = Memory::kDevice;
  mask.confidence = planes.get() + pixels;
  mask.confidence_stride = width;
  if (counting) mask.counts = counts;
  std::vector<uint8_t> expected[kFrames];
  for (int i = 0; i < 100; i++) {
    const int f = i % kFrames;
    must(engine->segment(frames[f], mask, {}, queue));
    if (i >= kFrames && i % 4) continue;
    const auto got = planes.read();
    if (i < kFrames) expected[f] = got;
    g_assert_true(got == expected[f]);
    if (counting) check_counts(counts, got.data(), height, width, width);
  }
  g_assert_true(expected[0] != expected[1]);
}

/// Many frames take no more memory of the device than few. Other processes
/// must leave it alone meanwhile.
void test_growth() {
  const auto context = primary();
  const auto model = reference::make_model(Variant::tramac(), 19);
  auto engine = create_engine<__half>(model);
  reference::Lcg lcg(1);
  const TestFrame frame = reference::make_frame("NV12", 96, 64, 0, false, lcg);
  must(engine->configure(frame.info, {160, 96, 96, 64}));
  const Masks expected = segment(engine.get(), frame.frame, {});
  auto free_bytes = [&context] {
    const ContextGuard guard = must(ContextGuard::enter(*context));
    size_t free = 0, total = 0;
    CHECK_CUDA(cudaMemGetInfo(&free, &total));
    return free;
  };
  Options options;
  for (int i = 0; i < 100; i++) segment(engine.get(), frame.frame, options);
  const size_t before = free_bytes();
  for (int i = 0; i < 10000; i++) {
    options.confidence_threshold = i % 3 ? 0.f : 0.5f;
    segment(engine.get(), frame.frame, options, i % 2);
  }
  const size_t after = free_bytes();
  g_assert_cmpuint(after + (1 << 20), >=, before);
  g_assert_true(segment(engine.get(), frame.frame, {}).ids == expected.ids);
}

/// Two engines on two threads share weights, and disturb each other not.
void test_threads() {
  const auto context = primary();
  const auto model = reference::make_model(Variant::mmseg(), 5);
  const auto weights = must(Weights<__half>::create(context, model));
  auto work = [&](int seed, bool *ok) {
    auto engine = make_engine<__half>(context, weights, plan_cache(), warn);
    reference::Lcg lcg(seed);
    const TestFrame frame =
        reference::make_frame("RGB", 128, 96, 0, false, lcg);
    must(engine->configure(frame.info, {160, 96, 160, 96}));
    const Masks first = segment(engine.get(), frame.frame, {});
    *ok = true;
    for (int i = 0; i < 300; i++)
      *ok &= segment(engine.get(), frame.frame, {}).ids == first.ids;
  };
  bool ok[2] = {};
  std::thread a(work, 1, &ok[0]), b(work, 2, &ok[1]);
  a.join();
  b.join();
  g_assert_true(ok[0]);
  g_assert_true(ok[1]);
}

/// Plans are chosen once; who finds them in the file computes the same.
void test_plans() {
  gchar *folder = g_dir_make_tmp("plans-XXXXXX", nullptr);
  const std::string path = std::string(folder) + "/plans";
  const auto model = reference::make_model(Variant::tramac(), 19);
  reference::Lcg lcg(1);
  const TestFrame frame = reference::make_frame("NV12", 64, 32, 0, false, lcg);
  Masks first, second;
  for (Masks *masks : {&first, &second}) {
    const auto plans = std::make_shared<PlanCache>(path, "test", warn,
                                                   std::chrono::seconds(600));
    auto engine = create_engine<__half>(model, plans);
    const gint64 begin = g_get_monotonic_time();
    must(engine->configure(frame.info, {64, 32, 64, 32}));
    g_test_message("%.1f s", (g_get_monotonic_time() - begin) / 1e6);
    *masks = segment(engine.get(), frame.frame, {});
    plans->save(warn);
    if (masks == &first)
      g_assert_true(g_file_test(path.c_str(), G_FILE_TEST_EXISTS));
  }
  g_assert_true(first.ids == second.ids);
  g_assert_true(first.confidence == second.confidence);
  g_remove(path.c_str());
  g_assert_cmpint(g_rmdir(folder), ==, 0);
  g_free(folder);
}

void test_errors() {
  const auto model = reference::make_model(Variant::mmseg(), 5);
  auto engine = create_engine<__half>(model);
  auto expect_error = [](const Result<> &result) {
    g_assert_false(result.has_value());
    g_assert_cmpuint(result.error().sentence.size(), >, 10);
  };
  expect_error(engine->segment({}, {}, {}, {}));
  reference::Lcg lcg(1);
  const TestFrame frame = reference::make_frame("RGB", 64, 64, 0, false, lcg);
  expect_error(engine->configure(frame.info, {33, 64, 64, 64}));
  must(engine->configure(frame.info, {160, 96, 64, 64}));
  int other = 0;
  expect_error(engine->segment(frame.frame, {}, {}, {&other, nullptr}));
  segment(engine.get(), frame.frame, {});  // still usable
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (testing::skip_without_device()) return 0;
  // Or it would be made anew for every engine.
  const auto context = primary();
  g_test_add_func("/gpu/engine/reference/float", test_reference_float);
  g_test_add_func("/gpu/engine/reference/half", test_reference_half);
  g_test_add_func("/gpu/engine/shipped", test_shipped);
  g_test_add_func("/gpu/engine/memories", test_memories);
  g_test_add_func("/gpu/engine/options", test_options);
  g_test_add_func("/gpu/engine/configure", test_configure);
  g_test_add_data_func("/gpu/engine/stream/counted", GINT_TO_POINTER(true),
                       test_stream);
  g_test_add_data_func("/gpu/engine/stream/plain", nullptr, test_stream);
  g_test_add_func("/gpu/engine/threads", test_threads);
  g_test_add_func("/gpu/engine/plans", test_plans);
  g_test_add_func("/gpu/engine/errors", test_errors);
  g_test_add_func("/gpu/engine/growth", test_growth);
  return g_test_run();
}
