// SPDX-License-Identifier: LGPL-2.1-or-later
// The module as the plugin uses it: frames in, masks out.

#include <gmodule.h>

#include <cmath>
#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "net/engine.h"
#include "net/painter.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using reference::Lcg;
using reference::Tensor;
using reference::TestFrame;

namespace {

FastscnnBackendOpen *open_function() {
  GModule *module = g_module_open(FASTSCNN_CPU_MODULE, G_MODULE_BIND_LOCAL);
  if (!module) g_error("%s", g_module_error());
  gpointer symbol;
  g_assert_true(g_module_symbol(module, FASTSCNN_BACKEND_OPEN, &symbol));
  g_module_make_resident(module);
  return reinterpret_cast<FastscnnBackendOpen *>(symbol);
}

Backend &backend() {
  char why[256] = "";
  Backend *backend = open_function()(kEngineAbi, why, sizeof why);
  if (!backend) g_error("%s", why);
  return *backend;
}

std::unique_ptr<Engine> make_engine(std::shared_ptr<const Model> model,
                                    int threads) {
  Device device;
  device.threads = threads;
  return must(backend().create_engine(std::move(model), device));
}

/// A mask in memory of its own, with room at the end of each row that nobody
/// may write.
struct TestMask {
  static constexpr uint8_t kGuard = 99;
  static constexpr int kPadding = 5;

  TestMask(int width, int height, bool with_confidence)
      : width(width),
        height(height),
        ids(size_t(width + kPadding) * height, kGuard),
        confidence(ids) {
    mask.ids = ids.data();
    mask.stride = width + kPadding;
    if (with_confidence) mask.confidence = confidence.data();
    mask.confidence_stride = width + kPadding;
    mask.counts = counts;
  }

  uint8_t id(int x, int y) const { return ids[y * mask.stride + x]; }

  int width, height;
  std::vector<uint8_t> ids, confidence;
  uint32_t counts[256];
  Mask mask;
};

Tensor logits_of(const Model &model, const TestFrame &frame, int width,
                 int height) {
  const Tensor image =
      reference::preprocess(frame.info, frame.frame, width, height,
                            model.info().mean, model.info().std);
  return reference::run(model, image).back();
}

void compare(const TestMask &got, const Tensor &logits, bool align_corners,
             const Options &options, const std::string &what) {
  const reference::Classes expected =
      reference::classify(logits, got.width, got.height, align_corners,
                          options.confidence_threshold);
  uint32_t counts[256] = {};
  for (int y = 0; y < got.height; y++) {
    for (int x = 0; x < got.width; x++) {
      counts[got.id(x, y)]++;
      const size_t p = size_t(y) * got.width + x;
      const bool close = expected.margin[p] < 1e-3 ||
                         std::abs(expected.probability[p] -
                                  options.confidence_threshold) < 1e-3;
      if (got.id(x, y) != expected.ids[p] && !close)
        g_error("%s: %d, %d is %d instead of %d, which leads by %g",
                what.c_str(), x, y, got.id(x, y), expected.ids[p],
                expected.margin[p]);
      if (!got.mask.confidence) continue;
      const int confidence = got.confidence[y * got.mask.stride + x];
      if (std::abs(confidence - expected.confidence[p]) > 1)
        g_error("%s: confidence at %d, %d is %d instead of %d", what.c_str(), x,
                y, confidence, expected.confidence[p]);
    }
    for (int x = got.width; x < got.mask.stride; x++)
      g_assert_cmpint(got.id(x, y), ==, TestMask::kGuard);
  }
  g_assert_cmpmem(got.counts, sizeof counts, counts, sizeof counts);
}

void test_frames() {
  struct Case {
    const char *format;
    int width, height;  // of the frame
    int mask_width, mask_height;
    int threads;
    Variant variant;
  };
  const Case cases[] = {
      {"NV12", 160, 96, 160, 96, 2, Variant::tramac()},
      {"I420", 161, 97, 161, 97, 1, Variant::mmseg()},
      {"YUY2", 97, 161, 97, 161, 3, Variant::paper()},
      {"RGB", 64, 32, 512, 256, 2, Variant::tramac()},
      {"BGRA", 333, 201, 1, 1, 2, Variant::mmseg()},
      {"GRAY8", 16, 16, 31, 7, 2, Variant::tramac()},
      {"UYVY", 320, 180, 0, 0, 2, Variant::mmseg()},
  };
  Lcg lcg(31);
  for (const Case &c : cases) {
    auto model = reference::make_model(c.variant, 19);
    const TestFrame frame =
        reference::make_frame(c.format, c.width, c.height, 3, true, lcg);
    auto engine = make_engine(model, c.threads);
    must(engine->configure(frame.info, {128, 64, c.mask_width, c.mask_height}));
    if (c.mask_width) {
      g_assert_cmpint(engine->mask_width(), ==, c.mask_width);
      g_assert_cmpint(engine->mask_height(), ==, c.mask_height);
    } else {
      g_assert_cmpint(engine->mask_width(), ==, 16);
      g_assert_cmpint(engine->mask_height(), ==, 8);
    }
    const Tensor logits = logits_of(*model, frame, 128, 64);
    Options options;
    for (bool with_confidence : {false, true})
      for (float threshold : {0.f, 0.5f}) {
        options.confidence_threshold = threshold;
        TestMask mask(engine->mask_width(), engine->mask_height(),
                      with_confidence);
        must(engine->segment(frame.frame, mask.mask, options, {}));
        compare(mask, logits, c.variant.align_corners, options,
                std::string(c.format) + " " + std::to_string(c.width) + "x" +
                    std::to_string(c.height));
      }
  }
}

/// One engine serves frame after frame, of new kinds too.
void test_reconfigure() {
  auto model = reference::make_model(Variant::tramac(), 11);
  auto engine = make_engine(model, 2);
  Lcg lcg(32);
  const int sizes[][2] = {{64, 64}, {128, 32}, {32, 96}, {64, 64}};
  for (auto [width, height] : sizes) {
    const TestFrame first =
        reference::make_frame("NV12", width + 1, height + 1, 0, false, lcg);
    must(engine->configure(first.info, {width, height, width, height}));
    for (int i = 0; i < 3; i++) {
      const TestFrame frame =
          reference::make_frame("NV12", width + 1, height + 1, 0, false, lcg);
      TestMask mask(width, height, true);
      must(engine->segment(frame.frame, mask.mask, {}, {}));
      compare(mask, logits_of(*model, frame, width, height), true, {},
              "frame " + std::to_string(i));
    }
  }
}

/// Frames may come from a thread other than the one that configured.
void test_two_threads() {
  auto model = reference::make_model(Variant::mmseg(), 19);
  auto engine = make_engine(model, 2);
  Lcg lcg(33);
  const TestFrame frame = reference::make_frame("RGB", 96, 64, 0, false, lcg);
  must(engine->configure(frame.info, {96, 64, 96, 64}));
  TestMask mask(96, 64, false);
  std::thread([&] {
    must(engine->segment(frame.frame, mask.mask, {}, {}));
  }).join();
  compare(mask, logits_of(*model, frame, 96, 64), false, {}, "two threads");
}

/// Engines share threads and weights, and nothing else.
void test_concurrent() {
  auto model = reference::make_model(Variant::tramac(), 19);
  std::vector<std::thread> threads;
  for (int e = 0; e < 4; e++)
    threads.emplace_back([&model, e] {
      auto engine = make_engine(model, 1 + e % 3);
      Lcg lcg(34 + e);
      const TestFrame frame = reference::make_frame("RGBx", 60 + 20 * e,
                                                    50 + 10 * e, 0, false, lcg);
      must(engine->configure(frame.info, {96, 64, 96, 64}));
      const Tensor logits = logits_of(*model, frame, 96, 64);
      for (int i = 0; i < 30; i++) {
        TestMask mask(96, 64, false);
        must(engine->segment(frame.frame, mask.mask, {}, {}));
        compare(mask, logits, true, {}, "engine " + std::to_string(e));
      }
    });
  for (std::thread &t : threads) t.join();
}

/// The bytes do not depend on the number of threads.
void test_deterministic() {
  auto model = reference::make_model(Variant::paper(), 19);
  Lcg lcg(35);
  const TestFrame frame =
      reference::make_frame("I420", 300, 200, 0, false, lcg);
  std::vector<uint8_t> expected;
  for (int threads = 1; threads <= 4; threads++) {
    auto engine = make_engine(model, threads);
    must(engine->configure(frame.info, {192, 128, 300, 200}));
    TestMask mask(300, 200, true);
    must(engine->segment(frame.frame, mask.mask, {}, {}));
    std::vector<uint8_t> all = mask.ids;
    all.insert(all.end(), mask.confidence.begin(), mask.confidence.end());
    if (threads == 1) expected = all;
    g_assert_cmpmem(all.data(), all.size(), expected.data(), expected.size());
  }
}

/// Changes the bytes of a frame a little: no cut.
void disturb(TestFrame &frame, Lcg &lcg) {
  for (uint8_t &b : frame.bytes)
    b = static_cast<uint8_t>(std::clamp(b + lcg.between(-30, 30), 0, 255));
}

void test_smoothing() {
  auto model = reference::make_model(Variant::tramac(), 19);
  auto engine = make_engine(model, 2);
  Lcg lcg(36);
  TestFrame frame = reference::make_frame("RGB", 64, 64, 0, false, lcg);
  must(engine->configure(frame.info, {64, 64, 64, 64}));
  Options options;
  options.smoothing = 0.7f;

  Tensor average;
  auto next = [&](bool starts_over, const char *what) {
    const Tensor logits = logits_of(*model, frame, 64, 64);
    if (starts_over) average = logits;
    for (size_t i = 0; i < logits.data.size(); i++)
      average.data[i] = 0.7f * average.data[i] + 0.3f * logits.data[i];
    TestMask mask(64, 64, true);
    must(engine->segment(frame.frame, mask.mask, options, {}));
    compare(mask, average, true, options, what);
  };
  next(true, "first frame");
  disturb(frame, lcg);
  next(false, "second frame");
  disturb(frame, lcg);
  next(false, "third frame");

  engine->reset();
  disturb(frame, lcg);
  next(true, "after reset");
  disturb(frame, lcg);
  next(false, "after that");

  for (uint8_t &b : frame.bytes) b = static_cast<uint8_t>(lcg.bits());
  next(true, "after a cut");
}

void assert_refused(const Result<> &result, Error::Kind kind,
                    const char *word) {
  g_assert_false(result.has_value());
  g_assert_true(result.error().kind == kind);
  g_assert_nonnull(std::strstr(result.error().sentence.c_str(), word));
}

void test_refusals() {
  char why[256] = "";
  g_assert_null(open_function()(kEngineAbi + 1, why, sizeof why));
  g_assert_nonnull(std::strstr(why, "same version"));

  auto model = reference::make_model(Variant::tramac(), 2);
  auto engine = make_engine(model, 1);
  Lcg lcg(37);
  const TestFrame frame = reference::make_frame("RGB", 64, 64, 0, false, lcg);
  TestMask mask(64, 64, false);
  assert_refused(engine->segment(frame.frame, mask.mask, {}, {}),
                 Error::Kind::kEngine, "configured");
  assert_refused(engine->configure(frame.info, {64, 33, 64, 64}),
                 Error::Kind::kFormat, "64x33");
  FrameInfo on_device = frame.info;
  on_device.memory = Memory::kDevice;
  assert_refused(engine->configure(on_device, {64, 64, 64, 64}),
                 Error::Kind::kFormat, "device memory");

  // It works again as soon as it is configured rightly.
  must(engine->configure(frame.info, {64, 64, 64, 64}));
  must(engine->segment(frame.frame, mask.mask, {}, {}));
  compare(mask, logits_of(*model, frame, 64, 64), true, {}, "after refusals");
}

void test_names() {
  Device device;
  device.threads = 3;
  g_assert_cmpstr(backend().name(), ==, "cpu");
  g_assert_nonnull(
      std::strstr(must(backend().device_name(device)).c_str(), ", 3 threads"));
  g_assert_nonnull(must(backend().create_painter(device)).get());
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/engine/frames", test_frames);
  g_test_add_func("/cpu/engine/reconfigure", test_reconfigure);
  g_test_add_func("/cpu/engine/two-threads", test_two_threads);
  g_test_add_func("/cpu/engine/concurrent", test_concurrent);
  g_test_add_func("/cpu/engine/deterministic", test_deterministic);
  g_test_add_func("/cpu/engine/smoothing", test_smoothing);
  g_test_add_func("/cpu/engine/refusals", test_refusals);
  g_test_add_func("/cpu/engine/names", test_names);
  return g_test_run();
}
