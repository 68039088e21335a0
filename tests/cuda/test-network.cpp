// SPDX-License-Identifier: LGPL-2.1-or-later
// The whole network as the CUDA engine runs it, with its kernels, weights,
// arena and order, but on the CPU, with plain loops instead of cuDNN.
#include <glib.h>

#include "cuda/engine/kernelsequence.h"
#include "tests/cuda/emulator.h"
#include "tests/cuda/frontforms.h"
#include "tests/cuda/simt.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

constexpr fused::Gpu kHopper = {90, 232448};

/// A network in host memory. gpu: has the fused forms of this GPU; by default
/// none.
template <typename T>
struct Host {
  Host(const Variant &variant, int classes, int height, int width, bool joins,
       const fused::Gpu &gpu = {})
      : model(reference::make_model(variant, classes)),
        table(joins),
        weights(place_weights()),
        kernels(must(KernelSequence<T>::create(*model, table, height, width))),
        arena(kernels.program().bytes) {
    kernels.place(arena.get());
    kernels.find_fused_forms(gpu);
  }
  Host(const Host &) = delete;

  emulator::Array<char> place_weights() {
    const std::vector<char> bytes = table.pack(*model);
    emulator::Array<char> memory(bytes.size());
    std::copy(bytes.begin(), bytes.end(), memory.get());
    table.place(memory.get());
    return memory;
  }

  const std::shared_ptr<const Model> model;
  WeightTable<T> table;
  const emulator::Array<char> weights;
  KernelSequence<T> kernels;
  const emulator::Array<char> arena;
};

template <typename T>
struct Runner {
  const KernelSequence<T> &kernels;

  template <typename Kernel>
  void items(const Kernel &kernel) {
    emulator::items(kernel);
  }
  template <typename Kernel>
  void blocks(const Kernel &kernel) {
    emulator::blocks(kernel);
  }
  template <typename Kernel>
  void clusters(const Kernel &kernel) {
    emulator::clusters(kernel);
  }
  void convolve(int step, const ConvolutionData &data) {
    emulator::convolve<T>(kernels.convolution(kernels.program().steps[step]),
                          data);
  }
};

/// gpu: the GPU whose fused forms are run.
template <typename T>
void check(const Variant &variant, int classes, int height, int width,
           bool joins, const fused::Gpu &gpu = {}) {
  Host<T> host(variant, classes, height, width, joins, gpu);
  KernelSequence<T> &kernels = host.kernels;
  const reference::Tensor image = reference::make_image(height, width);
  const reference::Tensor expected = reference::run(*host.model, image).back();
  for (size_t i = 0; i < kernels.fused_forms().size(); i++)
    kernels.choose_fused(static_cast<int>(i), true);
  const auto input = emulator::store_image<T>(image);
  kernels.run(input->get(), Runner<T>{kernels});

  const Shape shape = kernels.logits_shape();
  const reference::Tensor logits =
      emulator::separate(kernels.logits(), classes, shape.height, shape.width);
  RelativeError error;
  for (size_t i = 0; i < expected.data.size(); i++)
    error.add(logits.data[i], expected.data[i]);
  g_test_message("%dx%d: relative error %g", width, height, error.value());
  // Each of some forty layers rounds halves by up to 2^-11 of the value.
  if (!(error.value() < (sizeof(T) == 2 ? 1e-2 : 1e-5)))
    g_error("%dx%d, %d classes: relative error %g", width, height, classes,
            error.value());
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
    check<T>(variant, 19, 64, 96, true);
    check<T>(variant, 3, 32, 32, true);
    check<T>(variant, 3, 32, 64, false);
  }
}

/// Every block that has a fused form on an H200 runs in it.
void test_fused() {
  for (const Variant &variant : variants())
    check<__half>(variant, 19, 64, 96, true, kHopper);
}

/// The same test as tests/gpu/test-fused.cpp runs on the device.
void test_front() {
  constexpr int kHeight = 64, kWidth = 96;
  for (const Variant &variant : {Variant::tramac(), Variant::mmseg()}) {
    const Host<__half> host(variant, 19, kHeight, kWidth, true, kHopper);
    const KernelSequence<__half> &kernels = host.kernels;
    compare_front_forms({kernels, host.model->info(), kHeight, kWidth,
                         fastscnn::testing::kHostMemory,
                         [&](const Preprocess<__half> &frame) {
                           emulator::clusters(kernels.make_front(frame));
                         },
                         [&](const Preprocess<__half> &frame) {
                           emulator::items(frame);
                           kernels.run(frame.dst, kernels.front()->first,
                                       kernels.front()->end,
                                       Runner<__half>{kernels});
                         }});
  }
}

/// The fused forms that are found for a GPU.
void test_fused_forms() {
  Host<__half> host(Variant::tramac(), 19, 64, 96, true, {75, 65536});
  KernelSequence<__half> &kernels = host.kernels;
  g_assert_cmpint(kernels.fused_forms().size(), ==, 0);
  kernels.find_fused_forms(kHopper);
  std::string names;
  for (const FusedForm &form : kernels.fused_forms()) {
    for (int i = form.first; i < form.end; i++)
      names += kernels.program().blocks[i].name + " ";
    g_assert_false(form.chosen);
  }
  g_assert_cmpstr(names.c_str(), ==,
                  "lds.ds1 lds.ds2 gfe.b1.0 gfe.b1.1 gfe.b1.2 gfe.b2.0 "
                  "gfe.b2.1 gfe.b2.2 gfe.b3.0 gfe.b3.1 gfe.b3.2 ffm cls.ds1 "
                  "cls.ds2 cls ");
}

/// Every step is in one block, and the steps of a block match its name.
void test_blocks() {
  for (const Variant &variant : variants()) {
    const auto layers = make_layers(variant, 19);
    const Program program =
        must(make_program(layers, 64, 96, sizeof(__half), true));
    std::string names;
    int next = 0;
    for (const Block &block : program.blocks) {
      names += block.name + " ";
      g_assert_cmpint(block.first, ==, next);
      g_assert_cmpint(block.end, >, next);
      next = block.end;
      for (int i = block.first; i < block.end; i++)
        g_assert_true(g_str_has_prefix(
            layers[program.steps[i].layer].name.c_str(), block.name.c_str()));
    }
    g_assert_cmpint(next, ==, static_cast<int>(program.steps.size()));
    g_assert_cmpstr(names.c_str(), ==,
                    "lds lds.ds1 lds.ds2 gfe.b1.0 gfe.b1.1 gfe.b1.2 gfe.b2.0 "
                    "gfe.b2.1 gfe.b2.2 gfe.b3.0 gfe.b3.1 gfe.b3.2 ppm ffm "
                    "cls.ds1 cls.ds2 cls ");
    // The convolution of the skip branch is part of the product.
    g_assert_cmpint(program.blocks[13].end - program.blocks[13].first, ==, 3);
  }
}

/// All memory that depends on the size; the CUDA context comes on top.
void test_memory() {
  for (const Variant &variant : variants()) {
    const auto model = reference::make_model(variant, 19);
    WeightTable<__half> table(true);
    const size_t weights = table.pack(*model).size();
    const KernelSequence<__half> kernels =
        must(KernelSequence<__half>::create(*model, table, 1024, 2048));
    const size_t input = size_t(512) * 1024 * kImageChannels * sizeof(__half);
    const size_t frame = size_t(1024) * 2048 * 4;
    const size_t masks = 2 * size_t(1024) * 2048;
    const size_t average = size_t(128) * 256 * 24 * sizeof(__half);
    const size_t workspace = 8u << 20;
    const size_t total = kernels.program().bytes + weights + input + frame +
                         masks + average + workspace;
    g_test_message("arena %zu, all %zu bytes", kernels.program().bytes, total);
    g_assert_cmpuint(total, <=, 150u * 1000 * 1000);
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/network/half", test_network<__half>);
  g_test_add_func("/cuda/network/float", test_network<float>);
  g_test_add_func("/cuda/network/blocks", test_blocks);
  g_test_add_func("/cuda/network/fused", test_fused);
  g_test_add_func("/cuda/network/front", test_front);
  g_test_add_func("/cuda/network/fused-forms", test_fused_forms);
  g_test_add_func("/cuda/network/memory", test_memory);
  return g_test_run();
}
