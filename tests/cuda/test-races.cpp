// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the fused kernels under ThreadSanitizer, which sees the threads of a
// GPU. It must find no race, even if the previous kernel has not ended. It must
// find one if any barrier is left out, or the wait for the previous kernel.
#include <glib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cuda/engine/fused/arguments.h"
#include "cuda/engine/weights.h"
#include "tests/cuda/simt-inl.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fused::FusibleBlock;

/// The child process of a run ends at the first race.
extern "C" const char *__tsan_default_options();
const char *__tsan_default_options() { return "halt_on_error=1:exitcode=66"; }

namespace {

/// A kernel for one tile, with memory for what it reads and writes.
template <class Kernel>
struct Setup {
  using Make = Kernel(const fused::NetworkView<WeightTable<__half>> &,
                      const FusibleBlock &, const fused::BlockData &);

  Setup(const char *first_layer, Make *make) {
    const std::vector<Layer> &layers = model->layers();
    std::vector<FusibleBlock> blocks = fused::find_fusible(layers);
    blocks.push_back(*fused::find_front(layers));
    const FusibleBlock &block =
        *std::find_if(blocks.begin(), blocks.end(), [&](const FusibleBlock &b) {
          return layers[b.first].name == first_layer;
        });
    bytes = table.pack(*model);
    table.place(bytes.data());
    std::vector<Shape> shapes = *infer_shapes(layers, 64, 64);
    for (Shape &s : shapes) s.channels = (s.channels + 7) / 8 * 8;
    kernel = make({layers, shapes, table, true}, block,
                  {src.data(), 128, fine.data(), 64, dst.data(), 128});
  }

  enum class Outcome { kNone, kRace, kOtherCounts };

  /// Runs in a child process, so that ThreadSanitizer forgets earlier findings,
  /// and the parent has no fibers: it gives up after a fork with threads.
  Outcome run(emulator::Options options, int barriers, int cluster_barriers) {
    for (std::vector<__half> *memory : {&src, &fine, &dst})
      options.previous.push_back(
          {memory->data(), memory->size() * sizeof(__half)});
    std::fflush(nullptr);
    const pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
      if (options.without_barrier >= 0 ||
          options.without_cluster_barrier >= 0 || options.without_wait)
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
      const emulator::Counts counts = emulator::clusters(kernel, options);
      _exit(counts.barriers == barriers &&
                    counts.cluster_barriers == cluster_barriers
                ? 0
                : 2);
    }
    int status = 0;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status));
    switch (WEXITSTATUS(status)) {
      case 0:
        return Outcome::kNone;
      case 2:
        return Outcome::kOtherCounts;
      case 66:
        return Outcome::kRace;
    }
    g_error("exit status %d", WEXITSTATUS(status));
  }

  std::shared_ptr<const Model> model =
      reference::make_model(Variant::tramac(), 19);
  WeightTable<__half> table{true};
  std::vector<char> bytes;
  std::vector<__half> src = std::vector<__half>(64 * 64 * 128);
  std::vector<__half> fine = src, dst = src;
  Kernel kernel;
};

/// barriers: how many a thread passes in a tile.
template <class Kernel>
void check(const char *first_layer, typename Setup<Kernel>::Make *make,
           int barriers, int cluster_barriers = 0) {
  using Outcome = typename Setup<Kernel>::Outcome;
  Setup<Kernel> setup(first_layer, make);
  const auto run = [&](const emulator::Options &options) {
    return setup.run(options, barriers, cluster_barriers);
  };
  emulator::Options options;
  g_assert_true(run(options) == Outcome::kNone);
  options.backwards = true;
  g_assert_true(run(options) == Outcome::kNone);
  options = {};
  options.without_wait = true;
  if (run(options) != Outcome::kRace)
    g_error("%s does not wait for the kernel in front", first_layer);
  options = {};
  for (int i = 0; i < barriers; i++) {
    options.without_barrier = i;
    if (run(options) != Outcome::kRace)
      g_error("%s does not need barrier %d", first_layer, i);
  }
  options = {};
  for (int i = 0; i < cluster_barriers; i++) {
    options.without_cluster_barrier = i;
    if (run(options) != Outcome::kRace)
      g_error("%s does not need cluster barrier %d", first_layer, i);
  }
}

void test_depthwise_pointwise() {
  using Downsample = fused::DepthwisePointwise<48, 64, 2>;
  check<Downsample>("lds.ds2.dw", fused::make_depthwise_pointwise<Downsample>,
                    2);
  using Classify = fused::DepthwisePointwise<128, 128, 1, true>;
  check<Classify>("cls.ds2.dw", fused::make_depthwise_pointwise<Classify>, 4);
}

/// Has fewer channels in the middle than the network, which is faster: three
/// chunks use both buffers of weights, the first one twice.
void test_inverted_residual() {
  using Alone = fused::InvertedResidual<64, 288, 64, 1, 1, true>;
  check<Alone>("gfe.b1.1.exp", fused::make_inverted_residual<Alone>, 10);
}

void test_cluster() {
  using Split = fused::InvertedResidual<96, 192, 96, 1, 2, true>;
  check<Split>("gfe.b2.1.exp", fused::make_inverted_residual<Split>, 3, 2);
}

void test_feature_fusion() {
  using Fusion = fused::FeatureFusion<1>;
  check<Fusion>("ffm.up4", fused::make_feature_fusion<Fusion>, 5);
}

/// The frame is grey, and takes the place of the features that other kernels
/// read.
fused::Front make_front(const fused::NetworkView<WeightTable<__half>> &net,
                        const FusibleBlock &block,
                        const fused::BlockData &data) {
  FrameInfo info;
  info.width = info.height = 64;
  info.components = 1;
  auto frame = make_preprocess<__half>(info, ModelInfo(), 64, 64);
  ConstFrame grey;
  grey.data[0] = reinterpret_cast<const uint8_t *>(data.src);
  grey.stride[0] = 64;
  set_frame(&frame, info, grey);
  return fused::make_front(net, block, frame, data);
}

void test_front() { check<fused::Front>("lds.conv", make_front, 2); }

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/races/depthwise-pointwise", test_depthwise_pointwise);
  g_test_add_func("/cuda/races/inverted-residual", test_inverted_residual);
  g_test_add_func("/cuda/races/cluster", test_cluster);
  g_test_add_func("/cuda/races/feature-fusion", test_feature_fusion);
  g_test_add_func("/cuda/races/front", test_front);
  return g_test_run();
}
