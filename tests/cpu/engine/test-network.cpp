// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole network against the plain reference, and against PyTorch.

#include <glib.h>

#include <cmath>
#include <cstring>

#include "cpu/engine/network.h"
#include "cpu/engine/weights.h"
#include "tests/support/cputensors.h"

using namespace fastscnn;

namespace {

reference::Tensor run(const std::shared_ptr<const Model> &model,
                      const reference::Tensor &image, int threads, int runs) {
  Workers workers;
  must(workers.reserve(threads));
  const auto network = must(Network<Weights>::create(
      must(Weights::create(model)), image.width, image.height, threads));
  testing::set_image(network.get(), image);
  for (int i = 0; i < runs; i++) network->run(workers);
  const Logits logits = network->logits();
  reference::Tensor out(logits.classes, logits.height, logits.width);
  for (int c = 0; c < out.channels; c++)
    for (int y = 0; y < out.height; y++)
      for (int x = 0; x < out.width; x++)
        out.at(c, y, x) =
            logits.data[(size_t(y) * out.channels + c) * logits.pitch + x];
  return out;
}

float max_difference(const reference::Tensor &a, const reference::Tensor &b) {
  g_assert_cmpint(a.channels, ==, b.channels);
  g_assert_cmpint(a.height, ==, b.height);
  g_assert_cmpint(a.width, ==, b.width);
  float largest = 0;
  for (size_t i = 0; i < a.data.size(); i++) {
    const float d = std::abs(a.data[i] - b.data[i]);
    if (!(d <= largest)) largest = d;  // NaN is largest
  }
  return largest;
}

struct NamedVariant {
  const char *name;
  Variant variant;
};

std::vector<NamedVariant> variants() {
  Variant mixed = Variant::paper();
  mixed.align_corners = true;
  mixed.ppm_out_kernel = 3;
  mixed.dw_relu = true;
  mixed.activation = Variant::Activation::kRelu6;
  Variant old = Variant::mmseg();
  old.first_conv_padding = 0;
  old.ppm_out_kernel = 1;
  old.ffm_dw = Variant::FfmDw::kPw1;
  old.activation = Variant::Activation::kRelu6;
  return {{"tramac", Variant::tramac()},
          {"mmseg", Variant::mmseg()},
          {"paper", Variant::paper()},
          {"mixed", mixed},
          {"mmseg-2020", old}};
}

void test_variant(gconstpointer data) {
  auto v = static_cast<const NamedVariant *>(data);
  const int sizes[][2] = {{32, 32}, {96, 160}, {64, 224}, {224, 64}, {512, 64}};
  const int classes[] = {19, 1, 11, 40, 2};
  for (int i = 0; i < 5; i++) {
    auto model = reference::make_model(v->variant, classes[i]);
    reference::Tensor image = reference::make_image(sizes[i][0], sizes[i][1]);
    reference::Tensor expected = reference::run(*model, image).back();
    for (int threads = 1; threads <= 3; threads++) {
      const float difference =
          max_difference(run(model, image, threads, 2), expected);
      g_test_message("%s, %dx%d, %d classes, %d threads: logits differ by %g",
                     v->name, sizes[i][1], sizes[i][0], classes[i], threads,
                     difference);
      g_assert_cmpfloat(difference, <, 1e-3);
    }
  }
}

/// The logits are bit-exact for any number of threads.
void test_deterministic() {
  auto model = reference::make_model(Variant::mmseg(), 19);
  reference::Tensor image = reference::make_image(160, 320);
  const std::vector<float> expected = run(model, image, 1, 1).data;
  for (int threads : {2, 3, 5})
    for (int repeat = 0; repeat < 5; repeat++) {
      const std::vector<float> logits = run(model, image, threads, 3).data;
      g_assert_cmpmem(logits.data(), logits.size() * sizeof(float),
                      expected.data(), expected.size() * sizeof(float));
    }
}

/// Line buffers and the arena keep the memory far below that of all outputs.
void test_memory() {
  const std::vector<Layer> layers = make_layers(Variant::tramac(), 19);
  const std::vector<Shape> shapes = must(infer_shapes(layers, 1024, 2048));
  size_t all = 0;
  for (size_t i = 0; i < layers.size(); i++)
    all += row_elements(layers[i], shapes[i]) * shapes[i].height;
  g_assert_cmpuint(all * sizeof(float), >, 400 << 20);
  for (size_t element : {sizeof(float), sizeof(uint8_t)})
    for (int threads : {1, 2, 8}) {
      const ExecutionPlan plan =
          make_execution_plan(layers, shapes, 1024, true, element, threads);
      const size_t bytes = plan.arena + threads * plan.scratch;
      g_test_message("%zu bytes for %d threads", bytes, threads);
      g_assert_cmpuint(bytes, <, element * 10 << 20);
      int line_buffers = 0;
      for (size_t i = 0; i < layers.size(); i++)
        line_buffers +=
            plan.layouts[i].stored && plan.layouts[i].rows < shapes[i].height;
      g_assert_cmpint(line_buffers, >, 5);
    }
}

std::vector<char> read_golden(const std::string &file) {
  g_autofree gchar *path =
      g_test_build_filename(G_TEST_DIST, "golden", file.c_str(), nullptr);
  g_autofree gchar *contents = nullptr;
  gsize size;
  GError *error = nullptr;
  if (!g_file_get_contents(path, &contents, &size, &error))
    g_error("%s", error->message);
  return {contents, contents + size};
}

/// Compares with the output of PyTorch; see tests/golden/README.
void test_golden(gconstpointer data) {
  auto v = static_cast<const NamedVariant *>(data);
  constexpr int kWidth = 150, kHeight = 90;
  const reference::Tensor logits = run(reference::make_model(v->variant, 19),
                                       reference::make_image(96, 160), 2, 1);
  const std::vector<char> bytes = read_golden(std::string(v->name) + ".logits");
  reference::Tensor expected(19, 12, 20);
  g_assert_cmpuint(bytes.size(), ==, expected.data.size() * sizeof(float));
  std::memcpy(expected.data.data(), bytes.data(), bytes.size());
  g_assert_cmpfloat(max_difference(logits, expected), <, 1e-3);

  const int pitch = 64;
  const AlignedBuffer rows = testing::to_rows(logits, pitch);
  const Classify classify(
      {rows.data(), logits.channels, logits.width, logits.height, pitch},
      kWidth, kHeight, v->variant.align_corners);
  AlignedBuffer scratch = must(AlignedBuffer::create(classify.scratch_size()));
  const std::vector<char> mask = read_golden(std::string(v->name) + ".mask");
  g_assert_cmpuint(mask.size(), ==, kWidth * kHeight);
  int wrong = 0;
  for (int y = 0; y < kHeight; y++) {
    uint8_t ids[kWidth];
    classify.row(rows.data(), y, 0, false, scratch.data(), ids, nullptr);
    for (int x = 0; x < kWidth; x++)
      wrong += ids[x] != static_cast<uint8_t>(mask[y * kWidth + x]);
  }
  g_test_message("%d of %d pixels differ", wrong, kWidth * kHeight);
  g_assert_cmpint(wrong, <=, kWidth * kHeight / 1000);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  const std::vector<NamedVariant> all = variants();
  for (const NamedVariant &v : all) {
    const std::string path = std::string("/cpu/network/") + v.name;
    g_test_add_data_func(path.c_str(), &v, test_variant);
  }
  for (int i = 0; i < 3; i++) {
    const std::string path = std::string("/cpu/network/golden/") + all[i].name;
    g_test_add_data_func(path.c_str(), &all[i], test_golden);
  }
  g_test_add_func("/cpu/network/deterministic", test_deterministic);
  g_test_add_func("/cpu/network/memory", test_memory);
  return g_test_run();
}
