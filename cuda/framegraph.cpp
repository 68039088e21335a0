// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/framegraph.h"

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

Result<cudaGraphNode_t> add_node(cudaGraph_t graph, cudaGraphNode_t after,
                                 const cudaKernelNodeParams &params) {
  cudaGraphNode_t node;
  TRY_CUDA(cudaGraphAddKernelNode(&node, graph, &after, 1, &params));
  return node;
}

}  // namespace

template <typename T>
Result<FrameGraph<T>> FrameGraph<T>::create(
    const std::function<Result<>(cudaStream_t)> &network,
    const Change<T> &change, const Smooth<T> &smooth, const Argmax<T> &argmax,
    const Count &count, uint32_t *host_counts) {
  Stream stream = FASTSCNN_TRY(make_stream());
  Graph captured = FASTSCNN_TRY(capture(stream.get(), network));
  cudaGraph_t graph;
  TRY_CUDA(cudaGraphCreate(&graph, 0));
  FrameGraph made;
  made.graph_ = Graph(graph);
  cudaGraphNode_t child;
  TRY_CUDA(cudaGraphAddChildGraphNode(&child, graph, nullptr, 0,
                                      captured.get()));  // copies it
  void *argument;
  made.change_node_ = FASTSCNN_TRY(
      add_node(graph, child, node_params_blocks(change, &argument)));
  made.smooth_node_ = FASTSCNN_TRY(
      add_node(graph, made.change_node_, node_params(smooth, &argument)));
  made.argmax_node_ = FASTSCNN_TRY(
      add_node(graph, made.smooth_node_, node_params(argmax, &argument)));

  cudaMemsetParams zeros = {};
  zeros.dst = count.counts;
  zeros.elementSize = sizeof *count.counts;
  zeros.width = Count::kThreads;
  zeros.height = 1;
  TRY_CUDA(cudaGraphAddMemsetNode(&made.clear_node_, graph, &made.argmax_node_,
                                  1, &zeros));
  made.count_node_ = FASTSCNN_TRY(
      add_node(graph, made.clear_node_, node_params_blocks(count, &argument)));
  TRY_CUDA(cudaGraphAddMemcpyNode1D(
      &made.copy_node_, graph, &made.count_node_, 1, host_counts, count.counts,
      sizeof *host_counts * Count::kThreads, cudaMemcpyDeviceToHost));

  made.exec_ = FASTSCNN_TRY(instantiate(made.graph_));
  FASTSCNN_TRY(made.set_smoothing(false));
  FASTSCNN_TRY(made.set_counting(false));
  return made;
}

template <typename T>
Result<> FrameGraph<T>::set_smoothing(bool on) {
  if (on == smoothing_) return {};
  FASTSCNN_TRY(enable({change_node_, smooth_node_}, on));
  smoothing_ = on;
  return {};
}

template <typename T>
Result<> FrameGraph<T>::set(const Smooth<T> &smooth) {
  void *argument;
  const cudaKernelNodeParams params = node_params(smooth, &argument);
  TRY_CUDA(
      cudaGraphExecKernelNodeSetParams(exec_.get(), smooth_node_, &params));
  return {};
}

template <typename T>
Result<> FrameGraph<T>::set(const Argmax<T> &argmax) {
  void *argument;
  const cudaKernelNodeParams params = node_params(argmax, &argument);
  TRY_CUDA(
      cudaGraphExecKernelNodeSetParams(exec_.get(), argmax_node_, &params));
  return {};
}

template <typename T>
Result<> FrameGraph<T>::set_counting(bool on) {
  if (on == counting_) return {};
  FASTSCNN_TRY(enable({clear_node_, count_node_, copy_node_}, on));
  counting_ = on;
  return {};
}

template <typename T>
Result<> FrameGraph<T>::set(const Count &count) {
  void *argument;
  const cudaKernelNodeParams params = node_params_blocks(count, &argument);
  TRY_CUDA(cudaGraphExecKernelNodeSetParams(exec_.get(), count_node_, &params));
  return {};
}

template <typename T>
Result<> FrameGraph<T>::enable(std::initializer_list<cudaGraphNode_t> nodes,
                               bool on) {
  for (cudaGraphNode_t node : nodes)
    TRY_CUDA(cudaGraphNodeSetEnabled(exec_.get(), node, on));
  return {};
}

template <typename T>
Result<> FrameGraph<T>::launch(cudaStream_t stream) {
  TRY_CUDA(cudaGraphLaunch(exec_.get(), stream));
  return {};
}

template class FrameGraph<__half>;
template class FrameGraph<float>;

}  // namespace fastscnn::cuda
