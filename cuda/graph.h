// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>

#include "cuda/handles.h"

namespace fastscnn::cuda {

/// Held while a graph is captured. Whoever waits for a whole context meanwhile
/// is refused, and the capture with it; other calls of other threads are free.
inline std::mutex &capturing() {
  static std::mutex mutex;
  return mutex;
}

/// Blocks until all work in the current context is done.
inline Result<> synchronize_context() {
  const std::lock_guard<std::mutex> lock(capturing());
  TRY_CUDA(cudaDeviceSynchronize());
  return {};
}

/// What queue (stream) queues, as a graph; nothing of it is run. An Error may
/// be that of queue.
template <typename F>
Result<Graph> capture(cudaStream_t stream, const F &queue) {
  const std::lock_guard<std::mutex> lock(capturing());
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
