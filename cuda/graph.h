// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>

#include "cuda/handles.h"

namespace fastscnn::cuda {

/// Held while a graph is captured. A thread that waits for the whole context
/// meanwhile gets an error and invalidates the capture; other calls from other
/// threads are allowed.
inline std::mutex &capture_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Blocks until all work in the current context is complete.
inline Result<> synchronize_context() {
  const std::lock_guard<std::mutex> lock(capture_mutex());
  TRY_CUDA(cudaDeviceSynchronize());
  return {};
}

/// Captures the work that queue(stream) queues as a graph, without running it.
/// Returns the Error of queue if it fails.
template <typename F>
Result<Graph> capture(cudaStream_t stream, const F &queue) {
  const std::lock_guard<std::mutex> lock(capture_mutex());
  TRY_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  const Result<> queued = queue(stream);
  cudaGraph_t graph = nullptr;
  const cudaError_t result = cudaStreamEndCapture(stream, &graph);
  Graph captured(graph);
  if (!queued) cudaGetLastError();  // clear the error of the broken capture
  FASTSCNN_TRY(queued);
  FASTSCNN_TRY(check_cuda("cudaStreamEndCapture", result));
  return captured;
}

/// The node that the last call added to a stream that is being captured.
inline Result<cudaGraphNode_t> last_captured(cudaStream_t stream) {
  cudaStreamCaptureStatus status;
  const cudaGraphNode_t *nodes = nullptr;
  size_t count = 0;
#if CUDART_VERSION >= 13000
  TRY_CUDA(cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &nodes,
                                    nullptr, &count));
#else
  TRY_CUDA(cudaStreamGetCaptureInfo_v2(stream, &status, nullptr, nullptr,
                                       &nodes, &count));
#endif
  if (status != cudaStreamCaptureStatusActive || count != 1)
    return Error{Error::Kind::kEngine, "CUDA captured no kernel"};
  return nodes[0];
}

inline Result<GraphExec> instantiate(const Graph &graph) {
  cudaGraphExec_t exec;
  TRY_CUDA(cudaGraphInstantiateWithFlags(&exec, graph.get(), 0));
  return GraphExec(exec);
}

}  // namespace fastscnn::cuda
