// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <limits>

#include "cuda/graph.h"

namespace fastscnn::testing {

/// Measures the work that queue(stream) queues, in microseconds on the device:
/// captures it `runs` times in a row, and returns the shortest of many replays
/// of the graph, divided by runs. queue must have run before: loading kernels
/// is not allowed during a capture.
template <typename Queue>
Result<float> time_in_graph(cudaStream_t stream, int runs, const Queue &queue) {
  constexpr int kReplays = 30;
  const auto repeat = [&](cudaStream_t s) -> Result<> {
    for (int i = 0; i < runs; i++) FASTSCNN_TRY(queue(s));
    return {};
  };
  const cuda::Graph graph = FASTSCNN_TRY(cuda::capture(stream, repeat));
  const cuda::GraphExec exec = FASTSCNN_TRY(cuda::instantiate(graph));
  const cuda::Event begin = FASTSCNN_TRY(cuda::make_timing_event());
  const cuda::Event end = FASTSCNN_TRY(cuda::make_timing_event());
  float best = std::numeric_limits<float>::infinity();
  for (int i = 0; i < kReplays; i++) {
    TRY_CUDA(cudaEventRecord(begin.get(), stream));
    TRY_CUDA(cudaGraphLaunch(exec.get(), stream));
    TRY_CUDA(cudaEventRecord(end.get(), stream));
    TRY_CUDA(cudaEventSynchronize(end.get()));
    float ms = 0;
    TRY_CUDA(cudaEventElapsedTime(&ms, begin.get(), end.get()));
    best = std::min(best, ms);
  }
  return 1000 * best / runs;
}

}  // namespace fastscnn::testing
