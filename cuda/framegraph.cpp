// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/framegraph.h"

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

cudaGraphNode_t add_node(cudaGraph_t graph, cudaGraphNode_t after,
                         const cudaKernelNodeParams &params) {
  cudaGraphNode_t node;
  CHECK_CUDA(cudaGraphAddKernelNode(&node, graph, &after, 1, &params));
  return node;
}

}  // namespace

template <typename T>
FrameGraph<T>::FrameGraph(const std::function<void(cudaStream_t)> &network,
                          const Change<T> &change, const Smooth<T> &smooth,
                          const Argmax<T> &argmax, const Count &count,
                          uint32_t *host_counts) {
  Stream stream = make_stream();
  Graph captured = capture(stream.get(), network);
  cudaGraph_t graph;
  CHECK_CUDA(cudaGraphCreate(&graph, 0));
  graph_ = Graph(graph);
  cudaGraphNode_t child;
  CHECK_CUDA(cudaGraphAddChildGraphNode(&child, graph, nullptr, 0,
                                        captured.get()));  // copies it
  void *argument;
  change_node_ = add_node(graph, child, node_params_blocks(change, &argument));
  smooth_node_ = add_node(graph, change_node_, node_params(smooth, &argument));
  argmax_node_ = add_node(graph, smooth_node_, node_params(argmax, &argument));

  cudaMemsetParams zeros = {};
  zeros.dst = count.counts;
  zeros.elementSize = sizeof *count.counts;
  zeros.width = Count::kThreads;
  zeros.height = 1;
  CHECK_CUDA(
      cudaGraphAddMemsetNode(&clear_node_, graph, &argmax_node_, 1, &zeros));
  count_node_ =
      add_node(graph, clear_node_, node_params_blocks(count, &argument));
  CHECK_CUDA(cudaGraphAddMemcpyNode1D(
      &copy_node_, graph, &count_node_, 1, host_counts, count.counts,
      sizeof *host_counts * Count::kThreads, cudaMemcpyDeviceToHost));

  exec_ = instantiate(graph_);
  set_smoothing(false);
  set_counting(false);
}

template <typename T>
void FrameGraph<T>::set_smoothing(bool on) {
  if (on != smoothing_) enable({change_node_, smooth_node_}, on);
  smoothing_ = on;
}

template <typename T>
void FrameGraph<T>::set(const Smooth<T> &smooth) {
  void *argument;
  const cudaKernelNodeParams params = node_params(smooth, &argument);
  CHECK_CUDA(
      cudaGraphExecKernelNodeSetParams(exec_.get(), smooth_node_, &params));
}

template <typename T>
void FrameGraph<T>::set(const Argmax<T> &argmax) {
  void *argument;
  const cudaKernelNodeParams params = node_params(argmax, &argument);
  CHECK_CUDA(
      cudaGraphExecKernelNodeSetParams(exec_.get(), argmax_node_, &params));
}

template <typename T>
void FrameGraph<T>::set_counting(bool on) {
  if (on != counting_) enable({clear_node_, count_node_, copy_node_}, on);
  counting_ = on;
}

template <typename T>
void FrameGraph<T>::set(const Count &count) {
  void *argument;
  const cudaKernelNodeParams params = node_params_blocks(count, &argument);
  CHECK_CUDA(
      cudaGraphExecKernelNodeSetParams(exec_.get(), count_node_, &params));
}

template <typename T>
void FrameGraph<T>::enable(std::initializer_list<cudaGraphNode_t> nodes,
                           bool on) {
  for (cudaGraphNode_t node : nodes)
    CHECK_CUDA(cudaGraphNodeSetEnabled(exec_.get(), node, on));
}

template <typename T>
void FrameGraph<T>::launch(cudaStream_t stream) {
  CHECK_CUDA(cudaGraphLaunch(exec_.get(), stream));
}

template class FrameGraph<__half>;
template class FrameGraph<float>;

}  // namespace fastscnn::cuda
