// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"

namespace fastscnn::cuda {

/// What queue (stream) queues, as a graph; nothing of it is run. Other
/// threads may use CUDA freely meanwhile. An Error may be that of queue.
template <typename F>
Result<Graph> capture(cudaStream_t stream, const F &queue) {
  TRY_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  const Result<> queued = queue(stream);
  cudaGraph_t graph = nullptr;
  const cudaError_t result = cudaStreamEndCapture(stream, &graph);
  Graph captured(graph);
  if (!queued) cudaGetLastError();  // that the capture was given up, too
  FASTSCNN_TRY(queued);
  FASTSCNN_TRY(check_cuda("cudaStreamEndCapture", result));
  return captured;
}

inline Result<GraphExec> instantiate(const Graph &graph) {
  cudaGraphExec_t exec;
  TRY_CUDA(cudaGraphInstantiateWithFlags(&exec, graph.get(), 0));
  return GraphExec(exec);
}

}  // namespace fastscnn::cuda
