// SPDX-License-Identifier: LGPL-2.1-or-later
// The layer list against that of models/fastscnn.py, which trains the models.
#include <glib.h>

#include <sstream>
#include <string>

#include "net/error.h"
#include "net/fastscnn.h"
#include "tests/support/must.h"

using namespace fastscnn;

namespace {

std::string text(const Shape &s) {
  return std::to_string(s.channels) + "x" + std::to_string(s.height) + "x" +
         std::to_string(s.width);
}

/// One line as `models/fastscnn.py --list` prints it.
std::string describe(const std::vector<Layer> &layers,
                     const std::vector<Shape> &shapes, size_t i, Shape image) {
  const char *ops[] = {"conv", "pool", "upsample", "concat"};
  const char *activations[] = {"-", "relu", "relu6"};
  const Layer &l = layers[i];
  const bool conv = l.op == Op::kConv;
  Shape in = l.inputs[0] == kImage ? image : shapes[l.inputs[0]];
  in.channels = 0;
  for (int j : l.inputs)
    in.channels += j == kImage ? image.channels : shapes[j].channels;
  std::ostringstream line;
  line << l.name << ' ' << ops[static_cast<int>(l.op)] << ' '
       << (conv ? l.kernel : 0) << ' ' << l.stride << ' ' << l.padding << ' '
       << l.dilation << ' ' << l.groups << ' '
       << activations[static_cast<int>(l.activation)] << ' ' << text(in) << ' '
       << text(shapes[i]) << ' '
       << (l.residual == kNoLayer ? "-"
                                  : "residual=" + layers[l.residual].name);
  return line.str();
}

/// The output of a Python script in models/.
std::string output_of(const std::vector<std::string> &arguments) {
  g_autofree gchar *models =
      g_test_build_filename(G_TEST_DIST, "..", "models", nullptr);
  std::vector<char *> argv = {const_cast<char *>("/usr/bin/python3")};
  for (const std::string &a : arguments)
    argv.push_back(const_cast<char *>(a.c_str()));
  argv.push_back(nullptr);
  g_autofree gchar *output = nullptr;
  GError *error = nullptr;
  gint status = -1;
  g_spawn_sync(models, argv.data(), nullptr, G_SPAWN_DEFAULT, nullptr, nullptr,
               &output, nullptr, &status, &error);
  g_assert_no_error(error);
  g_assert_cmpint(status, ==, 0);
  return output;
}

void compare(const char *name, const Variant &variant, int height, int width) {
  std::istringstream lines(
      output_of({"fastscnn.py", "--list", "--variant", name, "--height",
                 std::to_string(height), "--width", std::to_string(width),
                 "--classes", "11"}));
  auto layers = make_layers(variant, 11);
  auto shapes = must(infer_shapes(layers, height, width));
  std::string line;
  std::getline(lines, line);  // the header
  for (size_t i = 0; i < layers.size(); i++) {
    g_assert_true(static_cast<bool>(std::getline(lines, line)));
    const std::string ours = describe(layers, shapes, i, {3, height, width});
    g_assert_cmpstr(ours.c_str(), ==, line.c_str());
  }
  g_assert_false(static_cast<bool>(std::getline(lines, line)));
}

void test_defaults() {
  const Variant v;
  std::ostringstream ours;
  ours << std::boolalpha << v.align_corners << ' ' << v.first_conv_padding
       << ' ' << v.dw_relu << ' ' << v.ppm_out_kernel << '\n';
  g_assert_true(v.ffm_dw == Variant::FfmDw::kDw3);
  g_assert_true(v.activation == Variant::Activation::kRelu);
  const std::string theirs = output_of(
      {"-c",
       "import fastscnn; v = fastscnn.Variant(); assert (v.ffm_dw, "
       "v.activation) == ('dw3', 'relu'); print(str(v.align_corners).lower(), "
       "v.first_conv_padding, str(v.dw_relu).lower(), v.ppm_out_kernel)"});
  g_assert_true(ours.str() == theirs);
}

void test_list() {
  compare("tramac", Variant::tramac(), 1024, 2048);
  compare("mmseg", Variant::mmseg(), 96, 160);
  compare("paper", Variant::paper(), 32, 64);
}

void test_logits_shape() {
  // 1280x720 and 1920x1080, rounded to multiples of 32: feature fusion must not
  // need larger ones.
  for (auto v : {Variant::tramac(), Variant::mmseg(), Variant::paper()})
    for (auto size : {std::pair<int, int>{736, 1280}, {1088, 1920}, {32, 32}}) {
      auto shapes =
          must(infer_shapes(make_layers(v, 19), size.first, size.second));
      g_assert_cmpint(shapes.back().channels, ==, 19);
      g_assert_cmpint(shapes.back().height, ==, size.first / 8);
      g_assert_cmpint(shapes.back().width, ==, size.second / 8);
    }
}

void test_refused_sizes() {
  auto layers = make_layers({}, 2);
  for (int size : {0, -32, 16, 33, 8192 + 32})
    g_assert_false(infer_shapes(layers, 64, size).has_value());
}

void expect_size(Shape s, int width, int height) {
  g_assert_cmpint(s.width, ==, width);
  g_assert_cmpint(s.height, ==, height);
}

void test_input_size() {
  // No size requested: the model's area, the frame's aspect ratio.
  expect_size(choose_input_size(0, 0, 960, 704, 960, 704), 960, 704);
  expect_size(choose_input_size(0, 0, 1024, 512, 1920, 1080), 960, 544);
  expect_size(choose_input_size(0, 0, 1024, 512, 1080, 1920), 544, 960);
  // The other side follows the requested one.
  expect_size(choose_input_size(640, 0, 1024, 512, 1280, 720), 640, 352);
  expect_size(choose_input_size(0, 352, 1024, 512, 1280, 720), 640, 352);
  expect_size(choose_input_size(500, 100, 1024, 512, 1280, 720), 512, 96);
  // Within the limits of infer_shapes().
  expect_size(choose_input_size(0, 0, 1024, 512, 8192, 16), 8192, 32);
  expect_size(choose_input_size(1, 1, 1024, 512, 16, 16), 32, 32);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/layers/list", test_list);
  g_test_add_func("/layers/defaults", test_defaults);
  g_test_add_func("/layers/logits-shape", test_logits_shape);
  g_test_add_func("/layers/refused-sizes", test_refused_sizes);
  g_test_add_func("/layers/input-size", test_input_size);
  return g_test_run();
}
