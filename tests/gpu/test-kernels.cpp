// SPDX-License-Identifier: LGPL-2.1-or-later
// Every kernel computes the same on the device as on the CPU, where other tests
// compare it with the plain reference. Inputs are random in every run (--seed
// repeats one); outputs are poisoned.
#include <cmath>

#include "cuda/engine/kernels/argmax.h"
#include "cuda/engine/kernels/depthwise.h"
#include "cuda/engine/kernels/pool.h"
#include "cuda/engine/kernels/poolconcat.h"
#include "cuda/engine/kernels/preprocess.h"
#include "cuda/engine/kernels/temporalfilter.h"
#include "net/engine.h"
#include "tests/cuda/emulator.h"
#include "tests/gpu/device.h"
#include "tests/support/frames.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::testing::DeviceCopy;

namespace {

/// An array on both sides, with the same contents.
template <typename T>
struct Both {
  emulator::Array<T> host;
  DeviceCopy<T> device;

  /// Random values of -1..1.
  static Both random(size_t count) {
    emulator::Array<T> array(count);
    for (size_t i = 0; i < array.size(); i++)
      array.get()[i] =
          from_float<T>(static_cast<float>(g_test_rand_double_range(-1, 1)));
    return Both(std::move(array));
  }
  /// Poisoned.
  explicit Both(size_t count) : host(count), device(count) {}
  explicit Both(emulator::Array<T> &&array)
      : host(std::move(array)), device(host.get(), host.size()) {}
};

template <typename T>
void expect_equal(const Both<T> &both, double tolerance, const char *what) {
  const std::vector<T> got = both.device.read();
  for (size_t i = 0; i < got.size(); i++) {
    const double a = to_float(got[i]), b = to_float(both.host.get()[i]);
    if (!(std::fabs(a - b) <= tolerance * std::fmax(1, std::fabs(b))))
      g_error("%s: element %zu is %g on the device, %g on the CPU", what, i, a,
              b);
  }
}

/// Runs kernels on the CPU, then on the device. run (items, blocks, side)
/// passes kernels to items or blocks; side (both) is the array to use.
template <typename F>
void run_both(const F &run) {
  run([](const auto &k) { emulator::items(k); },
      [](const auto &k) { emulator::blocks(k); },
      [](auto &both) { return both.host.get(); });
  run([](const auto &k) { must(launch(k, nullptr)); },
      [](const auto &k) { must(launch_blocks(k, nullptr)); },
      [](auto &both) { return both.device.get(); });
}

/// One step of the type, or the rounding of float sums in another order.
template <typename T>
constexpr double kTolerance = sizeof(T) == 2 ? 1.0 / 1024 : 1e-5;

/// The device fuses multiplication and addition, which moves interpolated
/// positions by the last bit of a coordinate.
template <typename T>
constexpr double kMoved = sizeof(T) == 2 ? kTolerance<T> : 3e-5;

template <typename T, int kStride, int kDilation>
void check_depthwise(int channels, int height, int width) {
  const int reach = 2 * kDilation + 1;
  const int out_height = (height + 2 * kDilation - reach) / kStride + 1;
  const int out_width = (width + 2 * kDilation - reach) / kStride + 1;
  auto src = Both<T>::random(size_t(channels) * height * width);
  auto weight = Both<T>::random(size_t(channels) * 9);
  auto bias = Both<float>::random(channels);
  Both<T> dst(size_t(channels) * out_height * out_width);
  run_both([&](auto &&items, auto &&, auto side) {
    items(Depthwise<T, kStride, kDilation>{
        side(src), side(weight), side(bias), side(dst), channels, channels,
        height, width, out_height, out_width, kDilation, 0.f, INFINITY});
  });
  expect_equal(dst, kTolerance<T>, "depthwise");
}

template <typename T>
void test_depthwise() {
  for (int channels : {8, 32, 384})
    for (int size : {1, 7, 33, 130}) {
      check_depthwise<T, 1, 1>(channels, size, size + 3);
      check_depthwise<T, 2, 1>(channels, size + 5, size);
      check_depthwise<T, 1, 4>(channels, size, size + 1);
    }
}

template <typename T>
void test_bilinear() {
  for (bool align : {false, true})
    for (int size : {1, 5, 32}) {
      auto src = Both<T>::random(size_t(64) * size * (size + 3));
      const int height = size * 4 + 1, width = size * 3;
      Both<T> dst(size_t(64) * height * width);
      run_both([&](auto &&items, auto &&, auto side) {
        items(Bilinear<T>{side(src), side(dst), 64, height, width,
                          make_axis(size, height, align),
                          make_axis(size + 3, width, align)});
      });
      expect_equal(dst, kMoved<T>, "bilinear");
    }
}

template <typename T>
void test_pyramid() {
  const int channels = kPoolChannels, height = 19, width = 40;
  auto src = Both<T>::random(size_t(channels) * height * width);
  auto weight = Both<float>::random(kGrids * channels * kGridChannels);
  auto bias = Both<float>::random(kGrids * kGridChannels);
  Both<float> sums(size_t(height) * kColumns * channels);
  Both<float> cells(kCells * kGridChannels);
  Both<T> dst(size_t(2 * channels) * height * width);
  run_both([&](auto &&items, auto &&blocks, auto side) {
    blocks(PoolRows<T>{side(src), side(sums), height, width});
    blocks(PoolCells{side(sums), side(weight), side(bias), side(cells), height,
                     width, 0.f, INFINITY});
    auto concat = PoolConcat<T>{side(src), side(cells), side(dst), channels,
                                height,    width,       {},        {}};
    for (int grid = 0; grid < kGrids; grid++) {
      concat.axis_y[grid] = make_axis(grid_bins(grid), height, false);
      concat.axis_x[grid] = make_axis(grid_bins(grid), width, false);
    }
    items(concat);
  });
  expect_equal(cells, 1e-4, "pyramid cells");
  expect_equal(dst, kTolerance<T>, "pyramid");
}

template <typename T, bool kSoft>
void check_argmax(int classes, bool align, int stride) {
  const int h = 17, w = 30, height = 133, width = 251;
  emulator::Array<T> values(size_t(pad_channels(classes)) * h * w);
  for (size_t i = 0; i < values.size(); i++) {
    // Half of the logits agree, so that both ways to classify are taken.
    const int channel = static_cast<int>(i) % pad_channels(classes);
    const bool leads = channel == 0 && i < values.size() / 2;
    values.get()[i] = from_float<T>(
        channel >= classes
            ? lowest<T>()
            : static_cast<float>(g_test_rand_double_range(-1, 1) + 2 * leads));
  }
  Both<T> logits(std::move(values));
  Both<uint8_t> ids(size_t(stride) * height);
  Both<uint8_t> confidence(size_t(width) * height);
  emulator::Array<uint32_t> zeros(257);
  std::fill_n(zeros.get(), zeros.size(), 0u);
  Both<uint32_t> counts(std::move(zeros)), result(256);
  run_both([&](auto &&, auto &&blocks, auto side) {
    const Logits<T> all = {side(logits), pad_channels(classes),
                           make_axis(h, height, align),
                           make_axis(w, width, align)};
    // Twice: the kernel must reset the counts.
    for (int i = 0; i < 2; i++)
      blocks(Argmax<T, kSoft>{all, side(ids), side(confidence), stride, width,
                              height, width, 0.07f, side(counts),
                              side(result)});
  });
  // Rounding decides ties and probabilities near the threshold.
  const auto got = ids.device.read();
  const auto sure = confidence.device.read();
  uint32_t counted[256] = {};
  int different = 0;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const size_t i = size_t(y) * stride + x;
      different += got[i] != ids.host.get()[i];
      counted[got[i]]++;
      const size_t p = size_t(y) * width + x;
      g_assert_cmpint(std::abs(sure[p] - confidence.host.get()[p]), <=, 1);
    }
  g_assert_cmpint(different, <=, height * width / 2000);
  g_assert_cmpmem(result.device.read().data(), sizeof counted, counted,
                  sizeof counted);
  for (uint32_t count : counts.device.read()) g_assert_cmpuint(count, ==, 0);
}

template <typename T>
void test_argmax() {
  for (int classes : {1, 19, 254})
    for (bool align : {false, true})
      for (int stride : {251, 252}) {
        check_argmax<T, false>(classes, align, stride);
        check_argmax<T, true>(classes, align, stride);
      }
}

template <typename T>
void test_preprocess() {
  ModelInfo model;
  for (int c = 0; c < 3; c++) {
    model.mean[c] = 0.45f;
    model.std[c] = 0.25f;
  }
  reference::Lcg lcg(g_test_rand_int());
  for (const std::string &format : reference::frame_formats()) {
    const auto frame = reference::make_frame(format, 97, 61, 7, false, lcg);
    const DeviceCopy<uint8_t> bytes(frame.bytes.data(), frame.bytes.size());
    Both<T> dst(size_t(kImageChannels) / 4 * 64 * 96);
    auto kernel = make_preprocess<T>(frame.info, model, 64, 96);
    kernel.dst = dst.host.get();
    set_frame(&kernel, frame.info, frame.frame);
    emulator::items(kernel);
    set_frame(&kernel, frame.info,
              as_const(reference::planes_in(bytes.get(), frame)));
    kernel.dst = dst.device.get();
    must(launch(kernel, nullptr));
    // Values are divided by the standard deviation, 0.25.
    expect_equal(dst, 4 * kMoved<T>, format.c_str());
  }
}

template <typename T>
void test_temporal_filter() {
  const int height = 64, width = 96, count = 24 * 96;
  auto image = Both<T>::random(size_t(kImageChannels) / 4 * height * width);
  auto previous = Both<float>::random(size_t(3) * kSceneSamples);
  Both<float> cut(1), change(1);
  auto logits = Both<T>::random(count), average = Both<T>::random(count);
  auto cut_logits = Both<T>::random(count),
       cut_average = Both<T>::random(count);
  run_both([&](auto &&items, auto &&blocks, auto side) {
    // Random images are a scene cut, equal ones are not.
    for (Both<float> *sum : {&cut, &change})
      blocks(SceneChange<T>{side(image), side(previous), side(*sum), height,
                            width});
    items(TemporalFilter<T>{side(cut_logits), side(cut_average), count,
                            side(cut), 0.6f});
    items(TemporalFilter<T>{side(logits), side(average), count, side(change),
                            0.6f});
  });
  g_assert_cmpfloat(cut.host.get()[0], >, kSceneCut * (3 * kSceneSamples));
  expect_equal(cut, 1e-4, "scene change");
  expect_equal(change, 0, "no scene change");
  expect_equal(previous, 0, "previous");
  expect_equal(cut_logits, 0, "logits after a cut");
  expect_equal(cut_average, 0, "average after a cut");
  expect_equal(logits, kTolerance<T>, "logits");
  expect_equal(average, kTolerance<T>, "average");
}

template <typename T>
void add_tests(const std::string &type) {
  auto add = [&type](const char *name, void (*test)()) {
    g_test_add_func(("/gpu/kernels/" + type + "/" + name).c_str(), test);
  };
  add("depthwise", test_depthwise<T>);
  add("bilinear", test_bilinear<T>);
  add("pyramid", test_pyramid<T>);
  add("argmax", test_argmax<T>);
  add("preprocess", test_preprocess<T>);
  add("temporal-filter", test_temporal_filter<T>);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (testing::skip_without_device()) return 0;
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  add_tests<__half>("half");
  add_tests<float>("float");
  return g_test_run();
}
