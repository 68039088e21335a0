// SPDX-License-Identifier: LGPL-2.1-or-later
// The fused kernels, run on the CPU, agree with the plain reference for every
// block of every variant, and for sizes that are not multiples of their tiles.
#include <glib.h>

#include <algorithm>
#include <string>

#include "cuda/engine/fused/kernels.h"
#include "cuda/engine/weights.h"
#include "tests/cuda/emulator.h"
#include "tests/cuda/relativeerror.h"
#include "tests/cuda/simt.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using emulator::Array;
using fused::FusibleBlock;
using reference::Tensor;
using Kind = FusibleBlock::Kind;

namespace {

constexpr fused::Gpu kHopper = {90, 232448}, kAmpere = {80, 166912};

struct Size {
  int height, width;
};

/// One block of a network, with everything that it reads, and its output.
struct Case {
  Case(const Model &model, const FusibleBlock &block, Size size)
      : model(model),
        block(block),
        layers(model.layers()),
        outputs(layers.size()),
        shapes(layers.size()) {
    const std::vector<char> bytes = table.pack(model);
    weights = std::make_unique<Array<char>>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), weights->get());
    table.place(weights->get());

    set(block.src, make_input(block.src, size, 21));
    if (block.fine != kNoLayer)
      set(block.fine,
          make_input(block.fine, {4 * size.height, 4 * size.width}, 22));
    for (int i = block.first; i <= block.last; i++) set(i, compute(i));
  }

  /// Values that halves represent exactly: the kernel reads the same ones.
  Tensor make_input(int layer, Size size, uint32_t seed) const {
    Tensor t(layers[layer].channels, size.height, size.width);
    reference::Lcg lcg(seed);
    for (float &v : t.data) v = to_half(lcg.uniform());
    return t;
  }

  Tensor compute(int layer) const {
    const Layer &l = layers[layer];
    const Tensor &src = outputs[l.inputs[0]];
    if (l.op == Op::kUpsample)
      return reference::upsample(src, outputs[l.like].height,
                                 outputs[l.like].width,
                                 model.info().variant.align_corners);
    std::vector<float> weight = model.weight(layer);
    for (float &w : weight) w = to_half(w);
    return reference::convolve(
        src, l, weight.data(), model.bias(layer).data(),
        l.residual == kNoLayer ? nullptr : &outputs[l.residual]);
  }

  void set(int layer, Tensor tensor) {
    shapes[layer] = {pad_channels(tensor.channels), tensor.height,
                     tensor.width};
    outputs[layer] = std::move(tensor);
  }

  static float to_half(float x) { return to_float(from_float<__half>(x)); }

  const Model &model;
  const FusibleBlock &block;
  const std::vector<Layer> &layers;
  WeightTable<__half> table{true};
  std::unique_ptr<Array<char>> weights;
  std::vector<Tensor> outputs;
  std::vector<Shape> shapes;
};

/// A tensor as the first channels of one with `pitch` channels; NaN beyond.
Array<__half> widen(const Tensor &tensor, int pitch) {
  const auto packed = emulator::interleave<__half>(tensor);
  const int channels = pad_channels(tensor.channels);
  const int pixels = tensor.height * tensor.width;
  Array<__half> wide(size_t(pitch) * pixels);
  for (int p = 0; p < pixels; p++)
    std::copy_n(packed->get() + size_t(p) * channels, channels,
                wide.get() + size_t(p) * pitch);
  return wide;
}

/// Runs a kernel in one or two orders of its threads.
struct Runner {
  Array<__half> *dst;
  bool both_orders;
  emulator::Counts counts = {};

  template <typename Kernel>
  void operator()(const Kernel &kernel) {
    counts = emulator::clusters(kernel);
    if (!both_orders) return;
    const std::vector<__half> first(dst->get(), dst->get() + dst->size());
    emulator::Options options;
    options.backwards = true;
    emulator::clusters(kernel, options);
    g_assert_cmpmem(first.data(), first.size() * sizeof(__half), dst->get(),
                    dst->size() * sizeof(__half));
  }
};

double relative_error(const Tensor &expected, const __half *got, int pitch) {
  RelativeError error;
  for (int c = 0; c < expected.channels; c++)
    for (int y = 0; y < expected.height; y++)
      for (int x = 0; x < expected.width; x++) {
        const size_t pixel = size_t(y) * expected.width + x;
        error.add(to_float(got[pixel * pitch + c]), expected.at(c, y, x));
      }
  return error.value();
}

void check(const Model &model, const FusibleBlock &block, Size size,
           const fused::Gpu &gpu, bool both_orders) {
  const Case c(model, block, size);
  const Tensor &expected = c.outputs[block.last];
  const int channels = c.shapes[block.last].channels;
  // The engine keeps some tensors as slices of wider ones.
  const int src_pitch = c.shapes[block.src].channels +
                        (block.kind == Kind::kFeatureFusion ? 0 : 128);
  const int pitch =
      channels + (block.kind == Kind::kDepthwisePointwise ? 128 : 0);
  const Array<__half> src = widen(c.outputs[block.src], src_pitch);
  const Array<__half> fine =
      widen(block.fine == kNoLayer ? Tensor() : c.outputs[block.fine], 192);
  Array<__half> dst(size_t(pitch) * expected.height * expected.width);

  Runner runner{&dst, both_orders};
  const bool visited = fused::visit_kernel(
      fused::NetworkView<WeightTable<__half>>{
          c.layers, c.shapes, c.table, model.info().variant.align_corners},
      gpu, block, {src.get(), src_pitch, fine.get(), 192, dst.get(), pitch},
      runner);
  g_assert_true(visited);

  const double error = relative_error(expected, dst.get(), pitch);
  const emulator::Counts &n = runner.counts;
  g_test_message(
      "%s, %dx%d: relative error %.1e; each block: %ld products, %ld waves of "
      "shared memory, x%.2f for conflicts; sectors x%.2f",
      c.layers[block.first].name.c_str(), size.width, size.height, error,
      n.products / n.blocks, n.waves / n.blocks,
      double(n.waves) / n.least_waves, double(n.sectors) / n.least_sectors);
  g_assert_cmpfloat(error, <, 1e-3);  // fails for NaN, too
  g_assert_cmpint(n.waves, <=, n.least_waves * 108 / 100);
  // Pixels of a wide tensor may begin or end within a sector.
  g_assert_cmpint(n.sectors * channels, <=, n.least_sectors * (channels + 8));
  // Other channels are not written.
  for (int p = 0; p < expected.height * expected.width; p++)
    for (int i = channels; i < pitch; i++) {
      uint16_t bits;
      std::memcpy(&bits, dst.get() + size_t(p) * pitch + i, sizeof bits);
      g_assert_cmpint(bits, ==, 0xffff);
    }
}

std::vector<std::string> names_of(const Variant &variant) {
  const std::vector<Layer> layers = make_layers(variant, 19);
  std::vector<std::string> names;
  for (const FusibleBlock &b : fused::find_fusible(layers))
    names.push_back(layers[b.first].name + " to " + layers[b.last].name);
  return names;
}

void test_blocks() {
  std::vector<std::string> expected = {"lds.ds1.dw to lds.ds1.pw",
                                       "lds.ds2.dw to lds.ds2.pw"};
  for (const char *name :
       {"b1.0", "b1.1", "b1.2", "b2.0", "b2.1", "b2.2", "b3.0", "b3.1", "b3.2"})
    expected.push_back("gfe." + std::string(name) + ".exp to gfe." + name +
                       ".proj");
  expected.insert(expected.end(),
                  {"ffm.up4 to ffm.low", "cls.ds1.dw to cls.ds1.pw",
                   "cls.ds2.dw to cls.conv"});
  for (const Variant &variant :
       {Variant::tramac(), Variant::mmseg(), Variant::paper()})
    g_assert_true(names_of(variant) == expected);
  Variant pointwise;
  pointwise.ffm_dw = Variant::FfmDw::kPw1;
  expected.erase(expected.end() - 3);
  g_assert_true(names_of(pointwise) == expected);
}

/// thorough: larger bottlenecks, which are the same in all variants, and both
/// orders of threads.
void check_variant(const Variant &variant, bool thorough) {
  const auto model = reference::make_model(variant, 19);
  bool tall = false;
  for (const FusibleBlock &b : fused::find_fusible(model->layers())) {
    const int stride =
        model->layers()[b.first + (b.kind == Kind::kInvertedResidual)].stride;
    Size size = {9 * stride, 17 * stride - 1};  // more than one tile each way
    if (b.kind == Kind::kFeatureFusion) size = {3, 5};
    if (b.kind == Kind::kInvertedResidual) {
      size = {5 * stride, (thorough ? 12 : 6) * stride - 1};
      if ((tall = !tall)) std::swap(size.height, size.width);
    }
    // gfe.bN.2 has the kernel of gfe.bN.1.
    const bool again =
        model->layers()[b.first].name.find(".2.exp") != std::string::npos;
    check(*model, b, size, kHopper, thorough && !again);
  }
}

void test_tramac() { check_variant(Variant::tramac(), true); }
void test_mmseg() { check_variant(Variant::mmseg(), false); }
void test_paper() { check_variant(Variant::paper(), false); }

void test_relu6() {
  Variant variant;
  variant.activation = Variant::Activation::kRelu6;
  const auto model = reference::make_model(variant, 19);
  const std::vector<FusibleBlock> blocks = fused::find_fusible(model->layers());
  check(*model, blocks[3], {5, 6}, kHopper, false);
}

/// Without clusters.
void test_ampere() {
  const auto model = reference::make_model(Variant::tramac(), 19);
  for (const FusibleBlock &b : fused::find_fusible(model->layers()))
    if (model->layers()[b.first].name == "gfe.b2.1.exp" ||
        model->layers()[b.first].name == "gfe.b3.1.exp")
      check(*model, b, {5, 6}, kAmpere, false);
}

void test_classes() {
  for (int classes : {1, 12, 32}) {
    const auto model = reference::make_model(Variant::tramac(), classes);
    check(*model, fused::find_fusible(model->layers()).back(), {5, 6}, kHopper,
          false);
  }
}

/// For each block in order: '+' if it has a kernel, otherwise '-'.
std::string find_kernels(int classes, const fused::Gpu &gpu) {
  const std::vector<Layer> layers = make_layers(Variant::paper(), classes);
  std::vector<Shape> shapes = *infer_shapes(layers, 64, 64);
  for (Shape &s : shapes) s.channels = pad_channels(s.channels);
  const auto model = reference::make_model(Variant::paper(), classes);
  WeightTable<__half> table{true};
  table.pack(*model);
  std::string found;
  for (const FusibleBlock &b : fused::find_fusible(layers)) {
    const int pitch = shapes[b.last].channels;
    found += fused::visit_kernel(
                 fused::NetworkView<WeightTable<__half>>{layers, shapes, table,
                                                         false},
                 gpu, b,
                 {nullptr, shapes[b.src].channels, nullptr, 64, nullptr, pitch},
                 [](const auto &) {})
                 ? '+'
                 : '-';
  }
  return found;
}

/// The blocks are ds1, ds2, nine bottlenecks, ffm, cls.ds1 and cls.ds2.
void test_gpus() {
  g_assert_true(find_kernels(19, {75, 65536}) == "--------------");
  g_assert_true(find_kernels(19, kAmpere) == "+++++-++++++++");
  g_assert_true(find_kernels(19, {86, 101376}) == "++-++-------++");
  g_assert_true(find_kernels(19, kHopper) == "++++++++++++++");
  g_assert_true(find_kernels(33, kHopper) == "+++++++++++++-");
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/fused/blocks", test_blocks);
  g_test_add_func("/cuda/fused/tramac", test_tramac);
  g_test_add_func("/cuda/fused/mmseg", test_mmseg);
  g_test_add_func("/cuda/fused/paper", test_paper);
  g_test_add_func("/cuda/fused/relu6", test_relu6);
  g_test_add_func("/cuda/fused/ampere", test_ampere);
  g_test_add_func("/cuda/fused/classes", test_classes);
  g_test_add_func("/cuda/fused/gpus", test_gpus);
  return g_test_run();
}
