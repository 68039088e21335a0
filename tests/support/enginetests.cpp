// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/contracttests.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/referenceengine.h"

namespace fastscnn::testing {
namespace {

using reference::Lcg;
using reference::make_frame;
using reference::TestFrame;

EngineDriver driver;  // of the running test

std::shared_ptr<const Model> prepared(std::shared_ptr<const Model> model) {
  const bool ready = driver.precision != Precision::kInt8 ||
                     !model->info().activation_scales.empty();
  return ready ? model : reference::with_scales(*model);
}

std::shared_ptr<const Model> make_model(const Variant &variant, int classes) {
  return prepared(reference::make_model(variant, classes));
}

/// The planes that an engine writes: ids, then confidences. Each row ends in
/// guard bytes.
struct TestMask {
  static constexpr uint8_t kGuard = 99;
  static constexpr int kPadding = 5;

  explicit TestMask(const Engine &engine)
      : width(engine.mask_width()),
        height(engine.mask_height()),
        stride(width + kPadding),
        bytes(size_t(stride) * height * 2, kGuard) {}

  /// Describes the planes to an engine; they start at `memory`.
  Mask at(uint8_t *memory, bool with_confidence) {
    Mask mask;
    mask.ids = memory;
    mask.stride = mask.confidence_stride = stride;
    if (with_confidence) mask.confidence = memory + size_t(stride) * height;
    mask.counts = counts;
    return mask;
  }

  uint8_t id(int x, int y) const { return bytes[size_t(y) * stride + x]; }
  uint8_t confidence(int x, int y) const { return id(x, y + height); }

  /// Checks the counts against the ids, and the guard bytes.
  void check() const {
    uint32_t expected[256] = {};
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) expected[id(x, y)]++;
      for (int x = width; x < stride; x++) {
        g_assert_cmpint(id(x, y), ==, kGuard);
        g_assert_cmpint(confidence(x, y), ==, kGuard);
      }
    }
    g_assert_cmpmem(counts, sizeof counts, expected, sizeof expected);
  }

  int width, height, stride;
  std::vector<uint8_t> bytes;
  uint32_t counts[256];
};

TestMask segment(Engine &engine, const TestFrame &frame,
                 const Options &options = {}, bool with_confidence = true) {
  TestMask mask(engine);
  must(engine.segment(frame.frame, mask.at(mask.bytes.data(), with_confidence),
                      options, {}));
  mask.check();
  return mask;
}

/// The engine under test and the reference, side by side.
struct Pair {
  explicit Pair(const std::shared_ptr<const Model> &model, int threads = 2)
      : engine(driver.create(model, threads)),
        reference(model, driver.precision) {}

  void configure(const FrameInfo &info, const Config &config) {
    must(engine->configure(info, config));
    must(reference.configure(info, config));
    g_assert_cmpint(engine->mask_width(), ==, reference.mask_width());
    g_assert_cmpint(engine->mask_height(), ==, reference.mask_height());
  }

  /// Compares the masks of a frame, and returns that of the engine.
  TestMask check(const TestFrame &frame, const std::string &what,
                 const Options &options = {},
                 const Tolerance &tolerance = driver.random) {
    const TestMask found = segment(*engine, frame, options);
    const TestMask expected = segment(reference, frame, options);
    const int pixels = found.width * found.height;
    int wrong = 0, worst = 0, sum = 0;
    for (int y = 0; y < found.height; y++)
      for (int x = 0; x < found.width; x++) {
        const bool close =
            reference.classes().margin[y * found.width + x] < tolerance.margin;
        if (found.id(x, y) != expected.id(x, y) && !close) wrong++;
        const int off =
            std::abs(found.confidence(x, y) - expected.confidence(x, y));
        worst = std::max(worst, off);
        sum += off;
      }
    g_test_message("%s: of %d pixels %d are wrong, confidence by %d, mean %g",
                   what.c_str(), pixels, wrong, worst, double(sum) / pixels);
    g_assert_cmpfloat(wrong, <=, tolerance.wrong * pixels);
    g_assert_cmpint(worst, <=, tolerance.confidence);
    g_assert_cmpfloat(sum, <=, tolerance.mean_confidence * pixels);
    return found;
  }

  std::unique_ptr<Engine> engine;
  reference::ReferenceEngine reference;
};

/// Pixels are counted area by area, until the next configure().
void test_areas() {
  Lcg lcg(41);
  const auto model = make_model(Variant(), 7);
  const auto engine = driver.create(model, 2);
  for (int side : {0, 37, 300}) {
    const TestFrame frame = make_frame("RGB", 64, 48, 0, false, lcg);
    Config config;
    config.input_width = 64;
    config.input_height = 32;
    config.mask_width = side;
    config.mask_height = side ? side + 5 : 0;
    must(engine->configure(frame.info, config));
    const int width = engine->mask_width(), height = engine->mask_height();
    for (int n : {2, 3, kMaxAreas}) {
      std::vector<uint8_t> areas(size_t(width) * height);
      for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
          areas[size_t(y) * width + x] =
              static_cast<uint8_t>((n > 3 ? x * 7 + y * 3 : x / 3 + y / 5) % n);
      must(engine->set_areas(areas.data(), n));
      TestMask mask(*engine);
      Mask at = mask.at(mask.bytes.data(), false);
      std::vector<uint32_t> counts(256 * n, 77), expected(256 * n);
      at.counts = counts.data();
      must(engine->segment(frame.frame, at, {}, {}));
      for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
          expected[areas[size_t(y) * width + x] * 256 + mask.id(x, y)]++;
      g_assert_true(counts == expected);
    }
    must(engine->configure(frame.info, config));
    segment(*engine, frame);  // checks the counts of one area
  }
}

Variant other_variant() {
  Variant other = Variant::mmseg();
  other.ffm_dw = Variant::FfmDw::kPw1;
  other.activation = Variant::Activation::kRelu6;
  return other;
}

/// A threshold only changes ids, to kUnknown where the confidence is below it.
/// Masks without confidence have the same ids.
void check_options(Engine &engine, const TestFrame &frame,
                   const TestMask &plain) {
  std::vector<uint8_t> sorted;
  for (int y = 0; y < plain.height; y++)
    for (int x = 0; x < plain.width; x++)
      sorted.push_back(plain.confidence(x, y));
  std::sort(sorted.begin(), sorted.end());
  const int threshold = sorted[sorted.size() / 2];
  Options options;
  options.confidence_threshold = threshold / 255.f;
  const TestMask strict = segment(engine, frame, options);
  const TestMask bare = segment(engine, frame, {}, false);
  const TestMask bare_strict = segment(engine, frame, options, false);
  for (int y = 0; y < plain.height; y++)
    for (int x = 0; x < plain.width; x++) {
      const int confidence = plain.confidence(x, y);
      g_assert_cmpint(strict.confidence(x, y), ==, confidence);
      if (std::abs(confidence - threshold) > 1)
        g_assert_cmpint(strict.id(x, y), ==,
                        confidence < threshold ? kUnknown : plain.id(x, y));
      g_assert_cmpint(bare.id(x, y), ==, plain.id(x, y));
      g_assert_cmpint(bare.confidence(x, y), ==, TestMask::kGuard);
      g_assert_cmpint(bare_strict.id(x, y), ==, strict.id(x, y));
    }
}

void test_frames() {
  const struct {
    const char *format;
    int width, height;  // of the frame
    int mask_width, mask_height;
    int threads;
    Variant variant;
  } cases[] = {
      {"NV12", 160, 96, 160, 96, 2, Variant::tramac()},
      {"I420", 161, 97, 161, 97, 1, Variant::mmseg()},
      {"YUY2", 97, 161, 97, 161, 3, Variant::paper()},
      {"RGB", 64, 32, 512, 256, 2, other_variant()},
      {"BGRA", 333, 201, 1, 1, 2, Variant::mmseg()},
      {"GRAY8", 16, 16, 31, 7, 2, Variant::tramac()},
      {"UYVY", 320, 180, 0, 0, 2, Variant::mmseg()},
  };
  Lcg lcg(31);
  for (const auto &c : cases) {
    const TestFrame frame =
        make_frame(c.format, c.width, c.height, 3, true, lcg);
    Pair pair(make_model(c.variant, 19), c.threads);
    pair.configure(frame.info, {128, 64, c.mask_width, c.mask_height});
    check_options(*pair.engine, frame, pair.check(frame, c.format));
  }
}

/// One engine can be configured for one kind of frame after another.
void test_configure() {
  const struct {
    const char *format;
    int width, height;
    Config config;
  } cases[] = {{"NV12", 65, 49, {64, 32, 65, 49}},
               {"RGB", 1921, 1081, {128, 96, 0, 0}},
               {"GRAY8", 17, 333, {32, 96, 100, 7}},
               {"NV12", 65, 49, {64, 32, 65, 49}}};
  Pair pair(make_model(Variant::paper(), 11));
  Lcg lcg(32);
  for (const auto &c : cases) {
    std::vector<TestFrame> frames;
    for (int i = 0; i < 3; i++)
      frames.push_back(make_frame(c.format, c.width, c.height, 3, false, lcg));
    pair.configure(frames[0].info, c.config);
    for (const TestFrame &frame : frames) pair.check(frame, c.format);
  }
}

/// Frames may come from a thread other than the one that called configure().
void test_other_thread() {
  Pair pair(make_model(Variant::mmseg(), 19));
  Lcg lcg(33);
  const TestFrame frame = make_frame("RGB", 96, 64, 0, false, lcg);
  pair.configure(frame.info, {96, 64, 96, 64});
  std::thread([&] { pair.check(frame, "other thread"); }).join();
}

/// Engines on several threads share weights and do not disturb each other.
void test_concurrent() {
  const auto model = make_model(Variant::tramac(), 19);
  std::vector<std::thread> threads;
  for (int e = 0; e < 4; e++)
    threads.emplace_back([&model, e] {
      Lcg lcg(34 + e);
      const TestFrame frame =
          make_frame("RGBx", 60 + 20 * e, 50 + 10 * e, 0, false, lcg);
      Pair pair(model, 1 + e % 3);
      pair.configure(frame.info, {96, 64, 96, 64});
      const TestMask first = pair.check(frame, "concurrent");
      for (int i = 0; i < 10; i++)
        g_assert_true(segment(*pair.engine, frame).bytes == first.bytes);
    });
  for (std::thread &t : threads) t.join();
}

/// The bytes do not depend on the number of threads.
void test_deterministic() {
  const auto model = make_model(Variant::paper(), 19);
  Lcg lcg(35);
  const TestFrame frame = make_frame("I420", 300, 200, 0, false, lcg);
  std::vector<uint8_t> expected;
  for (int threads = 1; threads <= 4; threads++) {
    const auto engine = driver.create(model, threads);
    must(engine->configure(frame.info, {192, 128, 300, 200}));
    const TestMask mask = segment(*engine, frame);
    if (expected.empty()) expected = mask.bytes;
    g_assert_true(mask.bytes == expected);
  }
}

/// Changes the bytes of a frame too little for a scene cut.
void disturb(TestFrame &frame, Lcg &lcg) {
  for (uint8_t &b : frame.bytes)
    b = static_cast<uint8_t>(std::clamp(b + lcg.between(-30, 30), 0, 255));
}

/// Frames are averaged until reset() or a scene cut.
void test_smoothing() {
  Pair pair(make_model(Variant::tramac(), 19));
  Lcg lcg(36);
  TestFrame frame = make_frame("RGB", 64, 64, 0, false, lcg);
  pair.configure(frame.info, {64, 64, 64, 64});
  Options options;
  options.smoothing = 0.7f;
  for (int i = 0; i < 8; i++) {
    if (i == 3) {
      pair.engine->reset();
      pair.reference.reset();
    }
    if (i == 6)  // a scene cut
      for (uint8_t &b : frame.bytes) b = static_cast<uint8_t>(lcg.bits());
    pair.check(frame, "frame " + std::to_string(i), options);
    disturb(frame, lcg);
  }
}

void assert_refused(const Result<> &result, Error::Kind kind,
                    const char *word) {
  g_assert_false(result.has_value());
  g_assert_true(result.error().kind == kind);
  g_assert_nonnull(std::strstr(result.error().sentence.c_str(), word));
}

void test_refusals() {
  Pair pair(make_model(Variant::tramac(), 2));
  Engine &engine = *pair.engine;
  Lcg lcg(37);
  const TestFrame frame = make_frame("RGB", 64, 64, 0, false, lcg);
  assert_refused(engine.segment(frame.frame, {}, {}, {}), Error::Kind::kEngine,
                 "configured");
  assert_refused(engine.configure(frame.info, {64, 33, 64, 64}),
                 Error::Kind::kFormat, "64x33");
  FrameInfo on_device = frame.info;
  on_device.memory = Memory::kDevice;
  if (!driver.device)
    assert_refused(engine.configure(on_device, {64, 64, 64, 64}),
                   Error::Kind::kFormat, "memory");
  // A valid configuration makes it usable again.
  pair.configure(frame.info, {64, 64, 64, 64});
  int other = 0;
  if (driver.device)
    assert_refused(engine.segment(frame.frame, {}, {}, {&other, nullptr}),
                   Error::Kind::kEngine, "context");
  pair.check(frame, "after refusals");
}

/// Smooth areas with edges: something like a street.
void draw_street(TestFrame *frame) {
  const int colors[][3] = {{90, 90, 95},  {150, 60, 70}, {140, 180, 230},
                           {110, 90, 80}, {40, 110, 50}, {200, 190, 170}};
  const FrameInfo &info = frame->info;
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
            static_cast<uint8_t>(colors[area][c] +
                                 20 * std::sin(30 * u * (c + 1)) * v);
    }
}

void test_shipped_model() {
  const char *folder = g_getenv("FASTSCNN_MODEL_PATH");
  if (!folder) return g_test_skip("FASTSCNN_MODEL_PATH is not set");
  Pair pair(prepared(
      must(Model::load(std::string(folder) + "/fastscnn-camvid.safetensors"))));
  Lcg lcg(39);
  TestFrame frame = make_frame("RGB", 523, 253, 0, false, lcg);
  draw_street(&frame);
  pair.configure(frame.info, {512, 256, 512, 256});
  pair.check(frame, "shipped model", {}, driver.shipped);
}

/// Frames and masks in device memory give the same results as in host memory.
void test_device_memory() {
  const auto model = make_model(Variant::tramac(), 19);
  Lcg lcg(38);
  for (const char *format : {"NV12", "I420", "RGB", "BGRx", "RGBA"})
    for (bool with_confidence : {false, true}) {
      const TestFrame frame = make_frame(format, 333, 217, 5, false, lcg);
      const Config config = {160, 96, 300, 200};
      const auto engine = driver.create(model, 2);
      must(engine->configure(frame.info, config));
      const TestMask expected = segment(*engine, frame, {}, with_confidence);

      const auto bytes = driver.device->copy(frame.bytes);
      const ConstFrame moved =
          as_const(reference::planes_in(bytes.get(), frame));
      FrameInfo info = frame.info;
      info.memory = driver.device->kind;
      must(engine->configure(info, config));
      TestMask found(*engine);
      const auto memory = driver.device->copy(found.bytes);
      Mask mask = found.at(memory.get(), with_confidence);
      mask.memory = driver.device->kind;
      must(engine->segment(moved, mask, {}, driver.queue));
      found.bytes = driver.device->read(memory.get(), found.bytes.size());
      found.check();
      g_assert_true(found.bytes == expected.bytes);
    }
}

}  // namespace

void add_engine_tests(const EngineDriver &engine) {
  const std::pair<const char *, void (*)()> tests[] = {
      {"frames", test_frames},
      {"configure", test_configure},
      {"other-thread", test_other_thread},
      {"concurrent", test_concurrent},
      {"deterministic", test_deterministic},
      {"areas", test_areas},
      {"smoothing", test_smoothing},
      {"refusals", test_refusals},
      {"shipped-model", test_shipped_model},
      {"device-memory", engine.device ? test_device_memory : nullptr}};
  for (const auto &[name, test] : tests) {
    if (!test) continue;
    const std::string path = std::string("/") + engine.name + "/engine/" + name;
    struct Entry {
      EngineDriver driver;
      void (*test)();
    };
    const auto run = [](gconstpointer data) {
      const Entry &entry = *static_cast<const Entry *>(data);
      driver = entry.driver;
      entry.test();
    };
    g_test_add_data_func_full(
        path.c_str(), new Entry{engine, test}, run,
        [](gpointer data) { delete static_cast<Entry *>(data); });
  }
}

}  // namespace fastscnn::testing
