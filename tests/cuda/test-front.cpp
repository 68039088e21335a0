// SPDX-License-Identifier: LGPL-2.1-or-later
// The front of the network as one kernel, run on the CPU, agrees with the plain
// reference for several formats and variants, and for sizes that are not
// multiples of its tiles.
#include <glib.h>

#include <cmath>

#include "cuda/engine/fused/kernels.h"
#include "cuda/engine/weights.h"
#include "tests/cuda/emulator.h"
#include "tests/cuda/relativeerror.h"
#include "tests/cuda/simt.h"
#include "tests/support/frames.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using emulator::Array;
using reference::Tensor;

namespace {

constexpr int kPitch = 64;  // of a tensor that is wider than the output
constexpr int kWidth = 90, kHeight = 46;

float to_half(float x) { return to_float(from_float<__half>(x)); }

Tensor compute(const Model &model, int layer, const Tensor &src) {
  std::vector<float> weight = model.weight(layer);
  for (float &w : weight) w = to_half(w);
  return reference::convolve(src, model.layers()[layer], weight.data(),
                             model.bias(layer).data(), nullptr);
}

struct Case {
  const char *format;
  int frame_width, frame_height;
};

void check(const Variant &variant, const Case &c) {
  const auto model = reference::make_model(variant, 19);
  const ModelInfo &info = model->info();
  reference::Lcg lcg(5);
  const reference::TestFrame frame = reference::make_frame(
      c.format, c.frame_width, c.frame_height, 9, true, lcg);
  Tensor x = reference::preprocess(frame.info, frame.frame, kWidth, kHeight,
                                   info.mean, info.std);
  for (float &v : x.data) v = to_half(v);
  std::vector<Shape> shapes(3);
  for (int layer = 0; layer < 3; layer++) {
    x = compute(*model, layer, x);
    shapes[layer] = {x.channels, x.height, x.width};
  }

  WeightTable<__half> table(true);
  const std::vector<char> bytes = table.pack(*model);
  Array<char> weights(bytes.size());
  std::copy(bytes.begin(), bytes.end(), weights.get());
  table.place(weights.get());
  const auto block = fused::find_front(model->layers());
  g_assert_true(block.has_value());
  const fused::NetworkView<WeightTable<__half>> net = {
      model->layers(), shapes, table, info.variant.align_corners};
  g_assert_true(fused::has_front(net, {80, 101376}, *block));
  auto preprocess = make_preprocess<__half>(frame.info, info, kHeight, kWidth);
  set_frame(&preprocess, frame.info, frame.frame);
  Array<__half> dst(size_t(kPitch) * x.height * x.width);
  const fused::Front kernel = fused::make_front(
      net, *block, preprocess, {nullptr, 0, nullptr, 0, dst.get(), kPitch});
  const emulator::Counts n = emulator::clusters(kernel);
  const std::vector<__half> forwards(dst.get(), dst.get() + dst.size());
  emulator::Options options;
  options.backwards = true;
  emulator::clusters(kernel, options);
  g_assert_cmpmem(forwards.data(), forwards.size() * sizeof(__half), dst.get(),
                  dst.size() * sizeof(__half));

  RelativeError error;
  for (int k = 0; k < kPitch; k++)
    for (int pixel = 0; pixel < x.height * x.width; pixel++) {
      const __half &got = dst.get()[size_t(pixel) * kPitch + k];
      if (k >= x.channels) {
        g_assert_true(std::isnan(to_float(got)));  // not written
        continue;
      }
      error.add(to_float(got), x.at(k, pixel / x.width, pixel % x.width));
    }
  g_test_message(
      "%s %dx%d: relative error %.1e; each block: %ld products, %ld waves of "
      "shared memory, x%.2f for conflicts; sectors x%.2f",
      c.format, c.frame_width, c.frame_height, error.value(),
      n.products / n.blocks, n.waves / n.blocks,
      double(n.waves) / n.least_waves, double(n.sectors) / n.least_sectors);
  g_assert_cmpfloat(error.value(), <, 1e-3);  // fails for NaN, too
  g_assert_cmpint(n.waves, <=, n.least_waves * 108 / 100);
}

/// Frames of the image's size, smaller and larger ones, odd sizes.
void test_formats() {
  for (const Case &c : {Case{"NV12", kWidth, kHeight}, Case{"NV12", 77, 61},
                        Case{"I420", 201, 33}, Case{"RGB", kWidth, kHeight},
                        Case{"BGRx", 31, 47}, Case{"GRAY8", 90, 31}})
    check(Variant::tramac(), c);
}

void test_variants() {
  Variant clamped = Variant::mmseg();
  clamped.activation = Variant::Activation::kRelu6;
  for (const Variant &variant : {Variant::mmseg(), Variant::paper(), clamped})
    check(variant, {"NV12", 100, 50});
}

void test_gpus() {
  const auto model = reference::make_model(Variant::tramac(), 19);
  const std::vector<Shape> shapes = *infer_shapes(model->layers(), 64, 64);
  WeightTable<__half> table(true);
  const fused::NetworkView<WeightTable<__half>> net = {model->layers(), shapes,
                                                       table, true};
  const auto block = fused::find_front(model->layers());
  g_assert_false(fused::has_front(net, {75, 65536}, *block));
  g_assert_false(fused::has_front(net, {90, 49152}, *block));
  g_assert_true(fused::has_front(net, {90, 232448}, *block));
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/front/formats", test_formats);
  g_test_add_func("/cuda/front/variants", test_variants);
  g_test_add_func("/cuda/front/gpus", test_gpus);
  return g_test_run();
}
