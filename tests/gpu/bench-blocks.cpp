// SPDX-License-Identifier: LGPL-2.1-or-later
// Times both forms of every block on the device: as one fused kernel, and layer
// by layer with cuDNN; likewise both forms of the front, from an NV12 frame.
//   bench-blocks MODEL PLANS             a table
//   bench-blocks --profile MODEL PLANS   one network at full size, kernel by
//                                        kernel, for ncu --profile-from-start
//                                        off
// MODEL: a safetensors file. PLANS: the file that keeps the chosen plans.
#include <cuda_profiler_api.h>

#include <cstdio>
#include <cstring>

#include "cuda/context.h"
#include "cuda/engine/network.h"
#include "cuda/engine/sampleframe.h"
#include "tests/gpu/graphtime.h"
#include "tests/support/frames.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::testing::time_in_graph;
using Half = Network<__half>;

namespace {

constexpr int kRuns = 20;
constexpr std::chrono::seconds kBudget{60};
constexpr int kHeights[] = {256, 512, 1024};

void warn(const std::string &sentence) {
  std::fprintf(stderr, "bench-blocks: %s\n", sentence.c_str());
}

template <typename Queue>
Result<float> time(cudaStream_t stream, const Queue &queue) {
  FASTSCNN_TRY(queue(stream));
  TRY_CUDA(cudaStreamSynchronize(stream));
  return time_in_graph(stream, kRuns, queue);
}

Result<float> time(const Half &network, const FusedForm &form, bool fused,
                   cudaStream_t stream) {
  return time(stream, [&](cudaStream_t s) {
    return network.enqueue_form(form, fused, s);
  });
}

Result<> print_table(const Half &network, cudaStream_t stream) {
  const Program &program = network.kernels().program();
  for (const FusedForm &form : network.kernels().fused_forms()) {
    const Shape &shape = program.shapes[form.block.last];
    const float layers = FASTSCNN_TRY(time(network, form, false, stream));
    const float fused = FASTSCNN_TRY(time(network, form, true, stream));
    std::printf("%-10s %4dx%-4d %8.2f %8.2f  %s\n",
                program.blocks[form.first].name.c_str(), shape.width,
                shape.height, layers, fused, form.chosen ? "fused" : "layers");
  }
  return {};
}

Result<> print_front(const Half &network, const ModelInfo &model, int height,
                     PlanCache *cache, cudaStream_t stream) {
  const int width = 2 * height;
  reference::Lcg lcg(1);
  const FrameInfo info =
      reference::make_frame("NV12", width, height, 0, false, lcg).info;
  const SampleFrame sample = FASTSCNN_TRY(SampleFrame::create(info));
  const DeviceMemory image = FASTSCNN_TRY(
      make_device_memory(sizeof(__half) * kImageChannels / 4 * width * height));
  auto frame = make_preprocess<__half>(info, model, height, width);
  set_frame(&frame, info, sample.frame);
  frame.dst = static_cast<__half *>(image.get());
  const bool prefers = FASTSCNN_TRY(network.prefers_front(frame, cache, warn));
  if (!network.kernels().front()) return {};
  const Shape &shape =
      network.kernels().program().shapes[network.kernels().front()->block.last];
  const float layers = FASTSCNN_TRY(time(stream, [&](cudaStream_t s) {
    return network.enqueue_front_layers(frame, s);
  }));
  const float fused = FASTSCNN_TRY(time(
      stream, [&](cudaStream_t s) { return network.enqueue_front(frame, s); }));
  std::printf("%-10s %4dx%-4d %8.2f %8.2f  %s\n", "front", shape.width,
              shape.height, layers, fused, prefers ? "fused" : "layers");
  return {};
}

Result<> profile(const Half &network, const __half *image,
                 cudaStream_t stream) {
  for (bool profiled : {false, true}) {
    if (profiled) TRY_CUDA(cudaProfilerStart());
    FASTSCNN_TRY(network.enqueue(image, stream));
    TRY_CUDA(cudaStreamSynchronize(stream));
  }
  TRY_CUDA(cudaProfilerStop());
  return {};
}

Result<> run(const std::string &model_file, const std::string &plans,
             bool profiles) {
  const auto context = FASTSCNN_TRY(Context::primary(0));
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context));
  const auto model = FASTSCNN_TRY(Model::load(model_file));
  const auto weights = FASTSCNN_TRY(Weights<__half>::create(context, model));
  PlanCache cache(plans, "bench", warn, kBudget);
  const Stream stream = FASTSCNN_TRY(make_stream());
  if (!profiles)
    std::printf("%-10s %-9s %8s %8s  chosen\n", "block", "output", "layers us",
                "fused us");
  for (int height : kHeights) {
    if (profiles && height != kHeights[2]) continue;
    const auto network = FASTSCNN_TRY(
        Half::create(weights, height, 2 * height, true, &cache, warn));
    if (!profiles) {
      FASTSCNN_TRY(print_table(*network, stream.get()));
      FASTSCNN_TRY(
          print_front(*network, model->info(), height, &cache, stream.get()));
      continue;
    }
    const size_t bytes =
        sizeof(__half) * kImageChannels / 4 * 2 * height * height;
    const DeviceMemory image = FASTSCNN_TRY(make_device_memory(bytes));
    TRY_CUDA(cudaMemsetAsync(image.get(), 0x2c, bytes, stream.get()));
    FASTSCNN_TRY(profile(*network, static_cast<const __half *>(image.get()),
                         stream.get()));
  }
  return {};
}

}  // namespace

int main(int argc, char **argv) {
  const bool profiles = argc == 4 && std::strcmp(argv[1], "--profile") == 0;
  if (argc != 3 && !profiles) {
    std::fprintf(stderr, "usage: bench-blocks [--profile] MODEL PLANS\n");
    return 2;
  }
  const Result<> done = run(argv[argc - 2], argv[argc - 1], profiles);
  if (done) return 0;
  warn(done.error().sentence);
  return 1;
}
