// SPDX-License-Identifier: LGPL-2.1-or-later
// Both forms of every block, layer by layer with cuDNN and as one kernel, give
// the same on the device. Prints how long they take. Likewise both forms of the
// front, for frames of several formats and sizes.
#include "cuda/engine/network.h"
#include "tests/cuda/frontforms.h"
#include "tests/gpu/device.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

void ignore(const std::string &) {}

/// A network, with access to the outputs of its layers.
struct Fixture {
  Fixture(const Variant &variant, int height, int width)
      : context(must(Context::primary(0))),
        guard(must(ContextGuard::enter(*context))),
        model(reference::make_model(variant, 19)),
        cache("", "", ignore),
        network(must(Network<__half>::create(
            must(Weights<__half>::create(context, model)), height, width, true,
            &cache, ignore))),
        stream(must(make_stream())) {}

  const Program &program() const { return network->kernels().program(); }

  /// All channels of the tensor in which a layer's output lies.
  std::vector<__half> read(int layer) const {
    std::vector<__half> values(size_of(layer));
    CHECK_CUDA(cudaMemcpy(values.data(), begin(layer),
                          values.size() * sizeof(__half),
                          cudaMemcpyDeviceToHost));
    return values;
  }
  void fill(int layer) const {
    std::vector<__half> values(size_of(layer));
    for (__half &v : values)
      v = __float2half_rn(static_cast<float>(g_test_rand_double_range(-1, 1)));
    CHECK_CUDA(cudaMemcpy(begin(layer), values.data(),
                          values.size() * sizeof(__half),
                          cudaMemcpyHostToDevice));
    CHECK_CUDA(cudaDeviceSynchronize());
  }
  size_t size_of(int layer) const {
    const Shape &shape = program().shapes[layer];
    return size_t(program().views[layer].pitch) * shape.height * shape.width;
  }
  __half *begin(int layer) const {
    return network->kernels().output(layer, nullptr) -
           program().views[layer].channel;
  }

  /// Milliseconds of the second of two runs.
  float run(const FusedForm &form, bool fused) const {
    const Event first = must(make_timing_event());
    const Event last = must(make_timing_event());
    must(network->enqueue_form(form, fused, stream.get()));
    CHECK_CUDA(cudaEventRecord(first.get(), stream.get()));
    must(network->enqueue_form(form, fused, stream.get()));
    CHECK_CUDA(cudaEventRecord(last.get(), stream.get()));
    CHECK_CUDA(cudaStreamSynchronize(stream.get()));
    float ms = 0;
    CHECK_CUDA(cudaEventElapsedTime(&ms, first.get(), last.get()));
    return ms;
  }

  std::shared_ptr<const Context> context;
  ContextGuard guard;
  std::shared_ptr<const Model> model;
  PlanCache cache;
  std::unique_ptr<Network<__half>> network;
  Stream stream;
};

void check(const Fixture &f, const FusedForm &form) {
  const Program &p = f.program();
  const int last = form.block.last;
  f.fill(form.block.src);
  if (form.block.fine != kNoLayer) f.fill(form.block.fine);
  const float layers_ms = f.run(form, false);
  const std::vector<__half> expected = f.read(last);
  CHECK_CUDA(cudaMemset(f.begin(last), 0xff, f.size_of(last) * sizeof(__half)));
  CHECK_CUDA(cudaDeviceSynchronize());
  const float fused_ms = f.run(form, true);
  const std::vector<__half> got = f.read(last);

  const int channels = f.model->layers()[last].channels;
  const View &view = p.views[last];
  RelativeError error;
  for (size_t pixel = 0; pixel < got.size(); pixel += view.pitch)
    for (int c = view.channel; c < view.channel + channels; c++)
      error.add(__half2float(got[pixel + c]),
                __half2float(expected[pixel + c]));
  const Shape &shape = p.shapes[last];
  g_test_message(
      "%s, %dx%d: layers %.1f us, fused %.1f us, relative "
      "difference %.1e",
      p.blocks[form.first].name.c_str(), shape.width, shape.height,
      1000 * layers_ms, 1000 * fused_ms, error.value());
  g_assert_cmpfloat(error.value(), <, 2e-3);
}

void check_front(const Fixture &f, int height, int width) {
  g_assert_true(f.network->kernels().front().has_value());
  const auto run = [&](auto enqueue) {
    return [&f, enqueue](const Preprocess<__half> &frame) {
      must(((*f.network).*enqueue)(frame, f.stream.get()));
      CHECK_CUDA(cudaStreamSynchronize(f.stream.get()));
    };
  };
  compare_front_forms({f.network->kernels(), f.model->info(), height, width,
                       fastscnn::testing::kDeviceMemory,
                       run(&Network<__half>::enqueue_front),
                       run(&Network<__half>::enqueue_front_layers)});
}

/// data: the height of the network input.
void test_forms(gconstpointer data) {
  const int height = GPOINTER_TO_INT(data);
  for (const Variant &variant :
       {Variant::tramac(), Variant::mmseg(), Variant::paper()}) {
    const Fixture f(variant, height, 2 * height);
    for (const FusedForm &form : f.network->kernels().fused_forms())
      check(f, form);
    check_front(f, height, 2 * height);
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (fastscnn::testing::skip_without_device()) return 0;
  g_test_init(&argc, &argv, nullptr);
  g_test_add_data_func("/gpu/fused/small", GINT_TO_POINTER(96), test_forms);
  g_test_add_data_func("/gpu/fused/large", GINT_TO_POINTER(512), test_forms);
  return g_test_run();
}
