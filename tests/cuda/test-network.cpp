// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole network as the CUDA engine runs it: its kernels, weights, arena
// and order, on the CPU, with plain loops in place of cuDNN.
#include <glib.h>

#include <cmath>

#include "cuda/engine/kernelsequence.h"
#include "tests/cuda/emulator.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

template <typename T>
struct Runner {
  const Program<T> &program;

  template <typename Kernel>
  void items(const Kernel &kernel) {
    emulator::items(kernel);
  }
  template <typename Kernel>
  void blocks(const Kernel &kernel) {
    emulator::blocks(kernel);
  }
  void convolve(int step, const ConvolutionData &data) {
    emulator::convolve<T>(program.convolution(program.schedule().steps[step]),
                          data);
  }
};

template <typename T>
void check(const Variant &variant, int classes, int height, int width) {
  const auto model = reference::make_model(variant, classes);
  const reference::Tensor image = reference::make_image(height, width);
  const reference::Tensor expected = reference::run(*model, image).back();

  WeightTable<T> table;
  const std::vector<char> bytes = table.arrange(*model);
  emulator::Array<char> weights(bytes.size());
  std::copy(bytes.begin(), bytes.end(), weights.get());
  table.place(weights.get());
  Program<T> program = must(Program<T>::create(*model, table, height, width));
  emulator::Array<char> arena(program.schedule().bytes);
  program.place(arena.get());
  const auto input = emulator::interleave<T>(image);
  program.run(input->get(), Runner<T>{program});

  const Shape shape = program.logits_shape();
  const reference::Tensor logits =
      emulator::separate(program.logits(), classes, shape.height, shape.width);
  double error = 0, norm = 0;
  for (size_t i = 0; i < expected.data.size(); i++) {
    error += std::pow(double(logits.data[i]) - expected.data[i], 2);
    norm += std::pow(double(expected.data[i]), 2);
  }
  g_test_message("%dx%d: relative error %g", width, height,
                 std::sqrt(error / norm));
  // Halves lose 2^-11 at each of some forty layers.
  if (!(std::sqrt(error / norm) < (sizeof(T) == 2 ? 1e-2 : 1e-5)))
    g_error("%dx%d, %d classes: relative error %g", width, height, classes,
            std::sqrt(error / norm));
}

std::vector<Variant> variants() {
  Variant mid = Variant::mmseg();
  mid.ffm_dw = Variant::FfmDw::kPw1;
  mid.activation = Variant::Activation::kRelu6;
  mid.ppm_out_kernel = 1;
  return {Variant::tramac(), Variant::mmseg(), Variant::paper(), mid};
}

template <typename T>
void test_network() {
  for (const Variant &variant : variants()) {
    check<T>(variant, 19, 64, 96);
    check<T>(variant, 3, 32, 32);
  }
}

/// Everything beside the CUDA context that depends on the size.
void test_memory() {
  for (const Variant &variant : variants()) {
    const auto model = reference::make_model(variant, 19);
    WeightTable<__half> table;
    const size_t weights = table.arrange(*model).size();
    const Program<__half> program =
        must(Program<__half>::create(*model, table, 1024, 2048));
    const size_t inputs = 2 * size_t(1024) * 2048 * kLanes * sizeof(__half);
    const size_t frames = size_t(1024) * 2048 * 4;
    const size_t masks = 2 * 2 * size_t(1024) * 2048;
    const size_t history = size_t(128) * 256 * 24 * sizeof(__half);
    const size_t workspace = 8u << 20;
    const size_t total = program.schedule().bytes + weights + inputs + frames +
                         masks + history + workspace;
    g_test_message("arena %zu, all %zu bytes", program.schedule().bytes, total);
    g_assert_cmpuint(total, <=, 150u * 1000 * 1000);
  }
}

void test_placement() {
  reference::Lcg lcg(21);
  for (int round = 0; round < 200; round++) {
    std::vector<Buffer> buffers(lcg.between(1, 40));
    for (Buffer &b : buffers) {
      b.bytes = lcg.between(1, 100000);
      b.first = lcg.between(0, 30);
      b.last = b.first + lcg.between(0, 6);
    }
    const size_t total = place(&buffers);
    for (size_t i = 0; i < buffers.size(); i++) {
      const Buffer &a = buffers[i];
      g_assert_cmpuint(a.offset % kAlignment, ==, 0);
      g_assert_cmpuint(a.offset + a.bytes, <=, total);
      for (size_t j = 0; j < i; j++) {
        const Buffer &b = buffers[j];
        const bool together = a.first <= b.last && b.first <= a.last;
        const bool share =
            a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        g_assert_false(together && share);
      }
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/network/half", test_network<__half>);
  g_test_add_func("/cuda/network/float", test_network<float>);
  g_test_add_func("/cuda/network/memory", test_memory);
  g_test_add_func("/cuda/network/placement", test_placement);
  return g_test_run();
}
