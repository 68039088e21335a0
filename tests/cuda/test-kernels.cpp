// SPDX-License-Identifier: LGPL-2.1-or-later
// The code of every kernel, run on the CPU, agrees with the plain reference for
// odd sizes, in halves and in floats.
#include <glib.h>

#include <cmath>

#include "cuda/engine/kernels/argmax.h"
#include "cuda/engine/kernels/countareas.h"
#include "cuda/engine/kernels/depthwise.h"
#include "cuda/engine/kernels/pool.h"
#include "cuda/engine/kernels/poolconcat.h"
#include "cuda/engine/kernels/preprocess.h"
#include "cuda/engine/kernels/temporalfilter.h"
#include "net/engine.h"
#include "tests/cuda/emulator.h"
#include "tests/support/frames.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using emulator::Array;
using emulator::interleave;
using emulator::separate;
using reference::Lcg;
using reference::Tensor;

namespace {

/// Relative to the largest value; rounding a half is off by up to 2^-11 of it.
template <typename T>
constexpr double kTolerance = sizeof(T) == 2 ? 4.0 / 2048 : 1e-5;

template <typename T>
Tensor random_tensor(int channels, int height, int width, uint32_t seed) {
  Tensor t(channels, height, width);
  Lcg lcg(seed);
  for (float &v : t.data) v = to_float(from_float<T>(lcg.uniform()));
  return t;
}

template <typename T>
void expect_close(const Tensor &got, const Tensor &expected,
                  const std::string &what) {
  g_assert_cmpint(got.data.size(), ==, expected.data.size());
  double largest = 1;
  for (float v : expected.data) largest = std::fmax(largest, std::fabs(v));
  for (size_t i = 0; i < got.data.size(); i++)
    if (!(std::fabs(got.data[i] - expected.data[i]) <= kTolerance<T> * largest))
      g_error("%s: element %zu is %g instead of %g", what.c_str(), i,
              got.data[i], expected.data[i]);
}

template <typename T, int kStride, int kDilation>
void check_depthwise(int channels, int height, int width, int padding,
                     Activation activation) {
  Layer layer;
  layer.channels = layer.groups = channels;
  layer.kernel = 3;
  layer.stride = kStride;
  layer.dilation = kDilation;
  layer.padding = padding;
  layer.activation = activation;
  const Tensor src = random_tensor<T>(channels, height, width, 3);
  const Tensor weight = random_tensor<T>(channels, 3, 3, 4);
  Tensor bias = random_tensor<float>(channels, 1, 1, 5);
  const Tensor expected =
      reference::convolve(src, layer, weight.data.data(), bias.data.data());

  const auto src_memory = interleave<T>(src);
  const auto weight_memory = interleave<T>(weight);  // (3, 3, C)
  const auto bias_memory = interleave<float>(bias);
  Array<T> dst(expected.data.size());
  emulator::items(Depthwise<T, kStride, kDilation>{
      src_memory->get(), weight_memory->get(), bias_memory->get(), dst.get(),
      channels, channels, height, width, expected.height, expected.width,
      padding, activation == Activation::kNone ? -INFINITY : 0.f,
      activation == Activation::kRelu6 ? 6.f : INFINITY});
  g_autofree gchar *what =
      g_strdup_printf("depthwise %dx%dx%d stride %d dilation %d", channels,
                      height, width, kStride, kDilation);
  expect_close<T>(
      separate(dst.get(), channels, expected.height, expected.width), expected,
      what);
}

template <typename T>
void test_depthwise() {
  const int sizes[][3] = {{8, 1, 1},  {8, 3, 2},    {16, 5, 7},
                          {24, 9, 4}, {32, 13, 17}, {8, 33, 31}};
  for (const auto &s : sizes)
    for (Activation a :
         {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
      check_depthwise<T, 1, 1>(s[0], s[1], s[2], 1, a);
      check_depthwise<T, 2, 1>(s[0], s[1], s[2], 1, a);
      check_depthwise<T, 1, 4>(s[0], s[1], s[2], 4, a);
    }
}

template <typename T>
void test_bilinear() {
  const int sizes[][4] = {{1, 1, 1, 1},   {1, 1, 5, 3},  {2, 3, 8, 12},
                          {7, 5, 28, 20}, {9, 11, 4, 5}, {3, 2, 17, 31}};
  for (const auto &s : sizes)
    for (bool align : {false, true}) {
      const Tensor src = random_tensor<T>(16, s[0], s[1], 6);
      const auto memory = interleave<T>(src);
      Array<T> dst(size_t(16) * s[2] * s[3]);
      emulator::items(Bilinear<T>{memory->get(), dst.get(), 16, s[2], s[3],
                                  make_axis(s[0], s[2], align),
                                  make_axis(s[1], s[3], align)});
      expect_close<T>(separate(dst.get(), 16, s[2], s[3]),
                      reference::upsample(src, s[2], s[3], align), "bilinear");
    }
}

template <typename T>
void test_pyramid() {
  const int sizes[][2] = {{1, 1}, {2, 5}, {7, 6}, {13, 11}, {16, 33}};
  const int channels = kPoolChannels;
  for (const auto &s : sizes)
    for (bool align : {false, true}) {
      const Tensor src = random_tensor<T>(channels, s[0], s[1], 7);
      std::vector<Tensor> parts;
      std::vector<float> weights, biases;
      for (int grid = 0; grid < kGrids; grid++) {
        Layer layer;
        layer.channels = kGridChannels;
        layer.activation = Activation::kRelu;
        const Tensor w =
            random_tensor<float>(kGridChannels, channels, 1, 8 + grid);
        const Tensor b = random_tensor<float>(kGridChannels, 1, 1, 18 + grid);
        parts.push_back(reference::upsample(
            reference::convolve(reference::pool(src, grid_bins(grid)), layer,
                                w.data.data(), b.data.data()),
            s[0], s[1], align));
        for (int i = 0; i < channels; i++)
          for (int o = 0; o < kGridChannels; o++)
            weights.push_back(w.at(o, i, 0));
        biases.insert(biases.end(), b.data.begin(), b.data.end());
      }
      const Tensor expected =
          reference::concat({&src, &parts[0], &parts[1], &parts[2], &parts[3]});

      const auto src_memory = interleave<T>(src);
      Array<float> sums(size_t(s[0]) * kColumns * channels);
      Array<float> cells(size_t(kCells) * kGridChannels);
      Array<T> dst(expected.data.size());
      emulator::blocks(PoolRows<T>{src_memory->get(), sums.get(), s[0], s[1]});
      emulator::blocks(PoolCells{sums.get(), weights.data(), biases.data(),
                                 cells.get(), s[0], s[1], 0.f, INFINITY});
      auto concat = PoolConcat<T>{src_memory->get(),
                                  cells.get(),
                                  dst.get(),
                                  channels,
                                  s[0],
                                  s[1],
                                  {},
                                  {}};
      for (int grid = 0; grid < kGrids; grid++) {
        concat.axis_y[grid] = make_axis(grid_bins(grid), s[0], align);
        concat.axis_x[grid] = make_axis(grid_bins(grid), s[1], align);
      }
      emulator::items(concat);
      expect_close<T>(separate(dst.get(), expected.channels, s[0], s[1]),
                      expected, "pyramid");
    }
}

/// The counts that the kernel adds up, and the expected ones.
struct Counts {
  uint32_t sums[257] = {}, result[256], expected[256] = {};

  void check() const {
    g_assert_cmpmem(result, sizeof result, expected, sizeof expected);
    for (uint32_t sum : sums) g_assert_cmpuint(sum, ==, 0);
  }
};

template <typename T, bool kSoft>
Argmax<T, kSoft> make_argmax(const Array<T> &logits, const Tensor &shape,
                             int width, int height, bool align, uint8_t *ids,
                             int stride, Counts *counts) {
  Argmax<T, kSoft> kernel = {};
  kernel.logits = {logits.get(), pad_channels(shape.channels),
                   make_axis(shape.height, height, align),
                   make_axis(shape.width, width, align)};
  kernel.ids = ids;
  kernel.stride = stride;
  kernel.height = height;
  kernel.width = width;
  kernel.counts = counts->sums;
  kernel.result = counts->result;
  return kernel;
}

template <typename T>
void check_argmax(const Tensor &logits, int width, int height, bool align,
                  float threshold) {
  const auto expected =
      reference::classify(logits, width, height, align, threshold);
  const auto memory = interleave<T>(logits, lowest<T>());
  const int stride = width + 5;
  Array<uint8_t> ids(size_t(stride) * height);
  Array<uint8_t> confidence(size_t(width) * height);
  Counts soft_counts;
  auto soft = make_argmax<T, true>(*memory, logits, width, height, align,
                                   ids.get(), stride, &soft_counts);
  soft.confidence = confidence.get();
  soft.confidence_stride = width;
  soft.threshold = threshold;
  emulator::blocks(soft);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      const size_t p = size_t(y) * width + x;
      const bool close = expected.margin[p] < 1e-5 ||
                         std::fabs(expected.probability[p] - threshold) < 1e-5;
      if (!close)
        g_assert_cmpint(ids.get()[y * stride + x], ==, expected.ids[p]);
      g_assert_cmpint(std::abs(confidence.get()[p] - expected.confidence[p]),
                      <=, 1);
      soft_counts.expected[ids.get()[y * stride + x]]++;
    }
    for (int x = width; x < stride; x++)
      g_assert_cmpint(ids.get()[y * stride + x], ==, 0xff);
  }
  soft_counts.check();

  // Without confidence and threshold the classes are the same.
  Array<uint8_t> plain(size_t(width) * height);
  Counts counts;
  emulator::blocks(make_argmax<T, false>(*memory, logits, width, height, align,
                                         plain.get(), width, &counts));
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const size_t p = size_t(y) * width + x;
      const int id = ids.get()[y * stride + x];
      if (id != kUnknown && !(expected.margin[p] < 1e-5))
        g_assert_cmpint(plain.get()[p], ==, id);
      counts.expected[plain.get()[p]]++;
    }
  counts.check();
}

template <typename T>
void test_argmax() {
  // Some have several tiles, or more logits than a tile keeps classes of.
  const int sizes[][4] = {{1, 1, 3, 2},   {2, 2, 16, 16},   {5, 7, 40, 56},
                          {4, 6, 33, 47}, {9, 5, 6, 4},     {3, 3, 3, 3},
                          {3, 4, 97, 70}, {17, 9, 133, 71}, {40, 50, 30, 24}};
  for (const auto &s : sizes)
    for (int classes : {1, 2, 8, 19, 254})
      for (bool align : {false, true})
        for (float threshold : {0.f, 0.3f, 0.9f})
          check_argmax<T>(random_tensor<T>(classes, s[0], s[1], 9), s[3], s[2],
                          align, threshold);
}

/// The lowest of equal classes wins, and nothing is interpolated where all
/// logits agree.
template <typename T>
void test_argmax_ties() {
  Tensor logits(19, 9, 17);
  for (float &v : logits.data) v = 0.5f;
  for (int y = 0; y < 9; y++) logits.at(7, y, 16) = 1.f;
  const auto memory = interleave<T>(logits, lowest<T>());
  constexpr int kWidth = 128, kHeight = 64;
  Array<uint8_t> ids(kWidth * kHeight);
  Counts counts;
  const auto kernel = make_argmax<T, false>(*memory, logits, kWidth, kHeight,
                                            true, ids.get(), kWidth, &counts);
  g_assert_cmpint(kernel.blocks(), ==, 2);
  for (int block = 0; block < kernel.blocks(); block++) {
    typename Argmax<T, false>::Shared shared;
    for (int phase = 0; phase < kernel.kPhases; phase++) {
      for (int t = 0; t < kernel.kThreads; t++) kernel(phase, block, t, shared);
      if (phase != 1) continue;
      // Two columns of pieces touch the last logits.
      g_assert_cmpuint(shared.mixed_count, ==, block == 0 ? 0 : 2 * 16);
    }
  }
  for (size_t i = 0; i < ids.size(); i++) {
    const int expected = i % kWidth > 119 ? 7 : 0;
    g_assert_cmpint(ids.get()[i], ==, expected);
    counts.expected[expected]++;
  }
  counts.check();
}

template <typename T>
void test_preprocess() {
  const int sizes[][4] = {{16, 16, 32, 32},
                          {17, 31, 32, 64},
                          {45, 23, 16, 8},
                          {64, 48, 64, 48},
                          {33, 70, 32, 32}};
  ModelInfo model;
  for (int c = 0; c < 3; c++) {
    model.mean[c] = 0.4f + 0.05f * c;
    model.std[c] = 0.22f + 0.01f * c;
  }
  Lcg lcg(11);
  for (const std::string &format : reference::frame_formats())
    for (const auto &s : sizes)
      for (bool flipped : {false, true}) {
        const reference::TestFrame f = reference::make_frame(
            format, s[0], s[1], flipped ? 9 : 0, flipped, lcg);
        const Tensor expected = reference::preprocess(
            f.info, f.frame, s[2], s[3], model.mean, model.std);
        Preprocess<T> kernel = make_preprocess<T>(f.info, model, s[3], s[2]);
        set_frame(&kernel, f.info, f.frame);
        Array<T> dst(size_t(kImageChannels) / 4 * s[2] * s[3]);
        kernel.dst = dst.get();
        emulator::items(kernel);
        // Positions are floats: an error of 1e-4 pixels changes a value by up
        // to 1e-4 of its range.
        const Tensor got = emulator::load_image(dst.get(), 4, s[3], s[2]);
        for (int y = 0; y < s[3]; y++)
          for (int x = 0; x < s[2]; x++) {
            for (int c = 0; c < 3; c++) {
              const double off = got.at(c, y, x) - expected.at(c, y, x);
              if (!(std::fabs(off) < (sizeof(T) == 2 ? 2e-3 : 2e-4)))
                g_error("%s %dx%d to %dx%d: %g instead of %g at %d,%d",
                        format.c_str(), s[0], s[1], s[2], s[3], got.at(c, y, x),
                        expected.at(c, y, x), x, y);
            }
            g_assert_cmpfloat(got.at(3, y, x), ==, 0.f);
          }
      }
}

/// The sum of net/scenecut.h, in plain loops.
double scene_change(const Tensor &now, const Tensor &before) {
  double sum = 0;
  for (int i = 0; i < kSceneGrid; i++)
    for (int j = 0; j < kSceneGrid; j++)
      for (int c = 0; c < 3; c++) {
        const int y = scene_sample(i, now.height);
        const int x = scene_sample(j, now.width);
        sum += std::fabs(double(now.at(c, y, x)) - before.at(c, y, x));
      }
  return sum;
}

template <typename T>
void test_scene_change() {
  const int sizes[][2] = {{32, 32}, {64, 96}, {160, 32}};
  for (const auto &[height, width] : sizes) {
    Array<float> previous(size_t(3) * kSceneSamples);
    std::fill_n(previous.get(), previous.size(), 0.f);
    Tensor before(3, height, width);
    for (uint32_t seed : {12, 13, 13}) {
      const Tensor now = random_tensor<T>(3, height, width, seed);
      const auto image = emulator::store_image<T>(now);
      float change = -1;
      emulator::blocks(
          SceneChange<T>{image->get(), previous.get(), &change, height, width});
      const double expected = scene_change(now, before);
      g_assert_cmpfloat(std::fabs(change - expected), <=, 1e-6 * expected);
      before = now;
    }
  }
}

template <typename T>
void test_temporal_filter() {
  const Tensor now = random_tensor<T>(8, 3, 5, 14);
  const Tensor past = random_tensor<T>(8, 3, 5, 13);
  const float cut = kSceneCut * (3 * kSceneSamples);
  for (float change : {0.f, cut, std::nextafter(cut, INFINITY), 2 * cut})
    for (float weight : {0.f, 0.75f}) {
      const auto logits = interleave<T>(now), average = interleave<T>(past);
      emulator::items(TemporalFilter<T>{logits->get(), average->get(),
                                        8 * 3 * 5, &change, weight});
      Tensor expected = now;
      if (weight > 0 && !(change > cut))
        for (size_t i = 0; i < now.data.size(); i++)
          expected.data[i] = 0.75f * past.data[i] + 0.25f * now.data[i];
      expect_close<T>(separate(logits->get(), 8, 3, 5), expected, "logits");
      expect_close<T>(separate(average->get(), 8, 3, 5), expected, "average");
    }
}

void test_count_areas() {
  constexpr int kAreas = 5, kHeight = 67, kWidth = 300, kStride = 303;
  Lcg lcg(16);
  Array<uint8_t> ids(size_t(kStride) * kHeight);
  Array<uint8_t> areas(size_t(kWidth) * kHeight);
  std::vector<uint32_t> counts(kAreas * 256, 2), expected(kAreas * 256, 2);
  for (int x = 0; x < kWidth; x++)
    for (int y = 0, id = 0; y < kHeight; y++) {
      if (lcg.between(0, 9) == 0) id = lcg.between(0, 255);
      const int area = (x / 40 + y / 13) % kAreas;
      ids.get()[y * kStride + x] = static_cast<uint8_t>(id);
      areas.get()[y * kWidth + x] = static_cast<uint8_t>(area);
      expected[area * 256 + id]++;
    }
  emulator::items(CountAreas{ids.get(), kStride, kHeight, kWidth, areas.get(),
                             counts.data()});
  g_assert_true(counts == expected);
}

template <typename T>
void add_tests(const std::string &type) {
  auto add = [&type](const char *name, void (*test)()) {
    g_test_add_func(("/cuda/kernels/" + type + "/" + name).c_str(), test);
  };
  add("depthwise", test_depthwise<T>);
  add("bilinear", test_bilinear<T>);
  add("pyramid", test_pyramid<T>);
  add("argmax", test_argmax<T>);
  add("argmax-ties", test_argmax_ties<T>);
  add("preprocess", test_preprocess<T>);
  add("scene-change", test_scene_change<T>);
  add("temporal-filter", test_temporal_filter<T>);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  add_tests<__half>("half");
  add_tests<float>("float");
  g_test_add_func("/cuda/kernels/count-areas", test_count_areas);
  return g_test_run();
}
