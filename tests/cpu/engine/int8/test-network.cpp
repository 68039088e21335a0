// SPDX-License-Identifier: LGPL-2.1-or-later
// The network in 8 bits: its logits are bit-exact with those of the plain
// reference, whatever instructions a processor has.

#include <glib.h>

#include <cmath>
#include <cstring>

#include "cpu/engine/int8/weights.h"
#include "cpu/engine/network.h"
#include "tests/cpu/engine/int8/everyinstruction.h"
#include "tests/support/cputensors.h"
#include "tests/support/int8reference.h"

using namespace fastscnn;
using reference::ByteTensor;
using reference::Tensor;

namespace {

Tensor run(const std::shared_ptr<const int8::Weights> &weights,
           const ByteTensor &image, int threads) {
  Workers workers;
  must(workers.reserve(threads));
  const auto network = must(Network<int8::Weights>::create(
      weights, image.width, image.height, threads));
  testing::set_image(network.get(), image);
  for (int i = 0; i < 2; i++) network->run(workers);
  const Logits logits = network->logits();
  Tensor out(logits.classes, logits.height, logits.width);
  for (int c = 0; c < out.channels; c++)
    for (int y = 0; y < out.height; y++)
      std::memcpy(&out.at(c, y, 0),
                  logits.data + (size_t(y) * out.channels + c) * logits.pitch,
                  sizeof(float) * out.width);
  return out;
}

void assert_equal(const Tensor &found, const Tensor &expected,
                  const char *what) {
  g_assert_cmpuint(found.data.size(), ==, expected.data.size());
  for (size_t i = 0; i < found.data.size(); i++)
    if (found.data[i] != expected.data[i])
      g_error("%s: logit %zu of %zu is %.9g instead of %.9g", what, i,
              found.data.size(), found.data[i], expected.data[i]);
}

struct NamedVariant {
  const char *name;
  Variant variant;
};

std::vector<NamedVariant> variants() {
  Variant mixed = Variant::paper();
  mixed.align_corners = true;
  mixed.ppm_out_kernel = 3;
  mixed.activation = Variant::Activation::kRelu6;
  mixed.ffm_dw = Variant::FfmDw::kPw1;
  return {{"tramac", Variant::tramac()},
          {"mmseg", Variant::mmseg()},
          {"paper", Variant::paper()},
          {"mixed", mixed}};
}

void test_variant(gconstpointer data) {
  auto v = static_cast<const NamedVariant *>(data);
  const struct {
    int height, width, classes;
  } cases[] = {{32, 32, 19}, {96, 160, 11}, {224, 64, 200}};
  for (const auto &c : cases) {
    const auto model =
        reference::with_scales(*reference::make_model(v->variant, c.classes));
    const auto image = reference::make_byte_image(c.height, c.width);
    const Tensor expected = reference::run_int8(*model, image);
    testing::on_every_instruction([&] {
      const auto weights = must(int8::Weights::create(model));
      for (int threads = 1; threads <= 3; threads++)
        assert_equal(run(weights, image, threads), expected, v->name);
    });
  }
}

/// Both the network and its reference come close to single precision.
void test_accuracy() {
  for (const NamedVariant &v : variants()) {
    const auto model =
        reference::with_scales(*reference::make_model(v.variant, 19));
    const auto image = reference::make_byte_image(64, 96);
    const Tensor found = run(must(int8::Weights::create(model)), image, 2);
    const Tensor exact =
        reference::run(*model, reference::normalize(model->info(), image))
            .back();
    double error = 0, power = 0;
    for (size_t i = 0; i < exact.data.size(); i++) {
      error += std::pow(found.data[i] - exact.data[i], 2);
      power += std::pow(exact.data[i], 2);
    }
    g_test_message("%s: logits are off by %.2f %%", v.name,
                   100 * std::sqrt(error / power));
    g_assert_cmpfloat(std::sqrt(error / power), <, 0.1);
  }
}

/// Scales, weights and colours at the limits of what a model file may have: no
/// sum overflows, and every rounding matches the reference.
void test_extremes() {
  const auto ordinary =
      reference::with_scales(*reference::make_model(Variant::tramac(), 3));
  const auto image = reference::make_byte_image(32, 64);
  for (int extreme = 0; extreme < 6; extreme++) {
    ModelInfo info = ordinary->info();
    std::vector<std::vector<float>> weights, biases;
    for (size_t i = 0; i < ordinary->layers().size(); i++) {
      weights.push_back(ordinary->weight(i));
      biases.push_back(ordinary->bias(i));
      float &scale = info.activation_scales[i];
      if (extreme == 0 && scale > 0) scale = 1e-6f;
      if (extreme == 1 && scale > 0) scale = 1e6f;
      if (extreme == 2 && i % 2 && scale > 0) scale = 1e-6f;
      for (float &w : weights[i]) w *= extreme == 3 ? 1e30f : 1;
      for (float &w : weights[i]) w *= extreme == 4 ? 0 : 1;
      for (float &b : biases[i]) b *= extreme == 4 ? 1e30f : 1;
    }
    if (extreme == 5) info.mean[0] = 1e30f, info.std[1] = 1e-30f;
    const auto model =
        must(Model::create(info, std::move(weights), std::move(biases)));
    const Tensor expected = reference::run_int8(*model, image);
    testing::on_every_instruction([&] {
      assert_equal(run(must(int8::Weights::create(model)), image, 2), expected,
                   ("extreme " + std::to_string(extreme)).c_str());
    });
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  const std::vector<NamedVariant> all = variants();
  for (const NamedVariant &v : all) {
    const std::string path = std::string("/cpu/int8-network/") + v.name;
    g_test_add_data_func(path.c_str(), &v, test_variant);
  }
  g_test_add_func("/cpu/int8-network/accuracy", test_accuracy);
  g_test_add_func("/cpu/int8-network/extremes", test_extremes);
  return g_test_run();
}
