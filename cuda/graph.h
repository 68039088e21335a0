// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"

namespace fastscnn::cuda {

/// What queue (stream) queues, as a graph; nothing of it is run. Other
/// threads may use CUDA freely meanwhile. Passes on what queue throws.
template <typename F>
Graph capture(cudaStream_t stream, const F &queue) {
  CHECK_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  cudaGraph_t graph = nullptr;
  try {
    queue(stream);
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    cudaGetLastError();
    Graph discarded(graph);
    throw;
  }
  const cudaError_t result = cudaStreamEndCapture(stream, &graph);
  Graph captured(graph);
  value_or_throw(check_cuda("cudaStreamEndCapture", result));
  return captured;
}

inline GraphExec instantiate(const Graph &graph) {
  cudaGraphExec_t exec;
  CHECK_CUDA(cudaGraphInstantiateWithFlags(&exec, graph.get(), 0));
  return GraphExec(exec);
}

}  // namespace fastscnn::cuda
