// SPDX-License-Identifier: LGPL-2.1-or-later
// Times each step of the CPU engine on one thread, as the sum of the fastest
// times of its tasks, which other programs disturb little; then the network on
// all cores, as a share of the processor's peak.

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "cpu/engine/int8/weights.h"
#include "cpu/engine/network.h"
#include "cpu/engine/weights.h"
#include "cpu/workers.h"
#include "tests/bench/peak.h"
#include "tests/bench/timing.h"
#include "tests/support/int8reference.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;

namespace {

struct Work {
  double flops = 0;
  double bytes = 0;  // that the step reads and writes outside the caches
};

template <typename AnyWeights>
double activation_bytes(const Network<AnyWeights> &network, int layer) {
  constexpr double kElement = sizeof(typename AnyWeights::Element);
  if (layer == kImage) return 3 * kElement * network.width() * network.height();
  const Shape &s = network.shapes()[layer];
  return kElement * s.channels * s.height * s.width;
}

template <typename AnyWeights>
Work work_of(const Network<AnyWeights> &network,
             const std::vector<Layer> &layers,
             const ExecutionPlan::Step &step) {
  std::vector<int> all = {step.first};
  all.insert(all.end(), step.pointwise.begin(), step.pointwise.end());
  Work work;
  work.bytes = activation_bytes(network, step.last()) +
               activation_bytes(network, layers[step.first].inputs[0]);
  if (step.skip != kNoLayer) {
    all.push_back(step.skip);
    work.bytes += activation_bytes(network, layers[step.skip].inputs[0]);
  }
  for (int layer : all) {
    const Layer &l = layers[layer];
    if (l.op != Op::kConv) continue;
    const Shape &s = network.shapes()[layer];
    const int inputs = input_channels(layers, layer) / l.groups;
    work.flops +=
        2.0 * s.channels * s.height * s.width * inputs * l.kernel * l.kernel;
    if (l.residual != kNoLayer && l.residual != step.skip)
      work.bytes += activation_bytes(network, l.residual);
  }
  return work;
}

std::string name_of(const std::vector<Layer> &layers,
                    const ExecutionPlan::Step &step) {
  std::string name = layers[step.first].name;
  if (step.skip != kNoLayer) name += " + " + layers[step.skip].name;
  for (int layer : step.pointwise) name += " + " + layers[layer].name;
  return name;
}

constexpr int kRuns = 40;

template <typename AnyNetwork>
void fill_image(AnyNetwork *network) {
  reference::Lcg lcg(1);
  for (int y = 0; y < network->height(); y++)
    for (int x = 0; x < 3 * network->width(); x++)
      network->image_row(y)[x] =
          static_cast<typename AnyNetwork::Element>(lcg.between(0, 2));
}

void print_all(const char *name, size_t tasks, double seconds, double flops,
               double peak) {
  std::printf("%-46s %5zu %8.3f %6s %8.1f %6.0f%%\n", name, tasks,
              seconds * 1e3, "", flops / seconds * 1e-9,
              100 * flops / seconds / peak);
}

template <typename AnyWeights>
void measure(const std::shared_ptr<const AnyWeights> &weights, int width,
             int height) {
  using AnyNetwork = Network<AnyWeights>;
  const auto made = must(AnyNetwork::create(weights, width, height, 1));
  AnyNetwork &network = *made;
  fill_image(&network);
  const ExecutionPlan &plan = network.plan();
  const std::vector<Layer> &layers = weights->model().layers();
  std::vector<double> fastest(plan.tasks.size(),
                              std::numeric_limits<double>::max());
  for (int run = 0; run < kRuns; run++)
    for (size_t t = 0; t < fastest.size(); t++) {
      const double ms = milliseconds([&] { network.execute(t, 0); });
      fastest[t] = std::min(fastest[t], ms / 1e3);
    }
  std::vector<double> seconds(plan.steps.size());
  std::vector<int> tasks(plan.steps.size());
  double total = 0, flops = 0;
  for (size_t t = 0; t < fastest.size(); t++) {
    seconds[plan.tasks[t].step] += fastest[t];
    tasks[plan.tasks[t].step]++;
    total += fastest[t];
  }

  std::printf("\n%dx%d, %s, one thread\n%-46s %5s %8s %6s %8s %6s\n", width,
              height, weights->precision(), "step", "tasks", "ms", "share",
              "GFLOP/s", "GB/s");
  for (size_t s = 0; s < plan.steps.size(); s++) {
    const Work work = work_of(network, layers, plan.steps[s]);
    flops += work.flops;
    std::printf("%-46s %5d %8.3f %5.1f%% %8.1f %6.1f\n",
                name_of(layers, plan.steps[s]).c_str(), tasks[s],
                seconds[s] * 1e3, 100 * seconds[s] / total,
                work.flops / seconds[s] * 1e-9, work.bytes / seconds[s] * 1e-9);
  }
  print_all("all, and its share of the peak", fastest.size(), total, flops,
            measure_peak(1));

  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  const auto on_all = must(AnyNetwork::create(weights, width, height, threads));
  fill_image(on_all.get());
  Workers workers;
  must(workers.reserve(threads));
  double best = std::numeric_limits<double>::max();
  for (int run = 0; run < kRuns; run++)
    best = std::min(best, milliseconds([&] { on_all->run(workers); }) / 1e3);
  const std::string name = "on " + std::to_string(threads) + " threads";
  print_all(name.c_str(), on_all->plan().tasks.size(), best, flops,
            measure_peak(threads));
}

template <typename AnyWeights>
void measure_all(const std::shared_ptr<const Model> &model) {
  const auto weights = must(AnyWeights::create(model));
  for (int height : {256, 512, 1024}) measure(weights, 2 * height, height);
}

}  // namespace

int main() {
  const auto model =
      reference::with_scales(*reference::make_model(Variant::tramac(), 19));
  measure_all<Weights>(model);
  measure_all<int8::Weights>(model);
  return 0;
}
