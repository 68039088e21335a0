// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/framegraph.h"

#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

/// Queues the kernels of a frame. Calls after(node) after each kernel whose
/// parameters differ from frame to frame.
template <typename T, typename F>
Result<> enqueue(const Network<T> &network, const FrameKernels<T> &kernels,
                 cudaStream_t stream, const F &after) {
  using Node = typename FrameGraph<T>::Node;
  const bool fuses_front = kernels.starts_fused();
  FASTSCNN_TRY(fuses_front ? network.enqueue_front(kernels.preprocess, stream)
                           : launch(kernels.preprocess, stream));
  FASTSCNN_TRY(after(Node::kPreprocess));
  FASTSCNN_TRY(fuses_front ? network.enqueue_rest(stream)
                           : network.enqueue(kernels.preprocess.dst, stream));
  if (kernels.smooths) {
    FASTSCNN_TRY(launch_blocks(kernels.scene_change, stream));
    FASTSCNN_TRY(after(Node::kSceneChange));
    FASTSCNN_TRY(launch(kernels.filter, stream));
    FASTSCNN_TRY(after(Node::kFilter));
  }
  FASTSCNN_TRY(
      kernels.soft()
          ? launch_blocks(kernels.argmax, stream)
          : launch_blocks(kernels.argmax.without_confidence(), stream));
  return after(Node::kArgmax);
}

}  // namespace

template <typename T>
Result<FrameGraph<T>> FrameGraph<T>::create(const Network<T> &network,
                                            const FrameKernels<T> &kernels,
                                            cudaStream_t stream) {
  FrameGraph frame;
  frame.network_ = &network;
  frame.fuses_front_ = kernels.starts_fused();
  frame.smooths_ = kernels.smooths;
  frame.soft_ = kernels.soft();
  frame.blocks_ = kernels.argmax.blocks();
  const auto queue = [&](cudaStream_t s) {
    return enqueue(network, kernels, s, [&](Node node) -> Result<> {
      frame.nodes_[static_cast<int>(node)] = FASTSCNN_TRY(last_captured(s));
      return {};
    });
  };
  frame.graph_ = FASTSCNN_TRY(capture(stream, queue));
  frame.exec_ = FASTSCNN_TRY(instantiate(frame.graph_));
  return frame;
}

template <typename T>
Result<> FrameGraph<T>::upload(cudaStream_t stream) const {
  TRY_CUDA(cudaGraphUpload(exec_.get(), stream));
  return {};
}

template <typename T>
Result<> FrameGraph<T>::launch(const FrameKernels<T> &kernels,
                               cudaStream_t stream) const {
  const auto node = [&](Node n) {
    return GraphNode{exec_.get(), nodes_[static_cast<int>(n)]};
  };
  FASTSCNN_TRY(
      fuses_front_
          ? network_->update_front(kernels.preprocess, node(Node::kPreprocess))
          : update(kernels.preprocess, node(Node::kPreprocess)));
  if (smooths_) {
    FASTSCNN_TRY(update_blocks(kernels.scene_change, node(Node::kSceneChange)));
    FASTSCNN_TRY(update(kernels.filter, node(Node::kFilter)));
  }
  FASTSCNN_TRY(soft_ ? update_blocks(kernels.argmax, node(Node::kArgmax))
                     : update_blocks(kernels.argmax.without_confidence(),
                                     node(Node::kArgmax)));
  TRY_CUDA(cudaGraphLaunch(exec_.get(), stream));
  return {};
}

template <typename T>
Result<> enqueue_frame(const Network<T> &network,
                       const FrameKernels<T> &kernels, cudaStream_t stream) {
  return enqueue(network, kernels, stream,
                 [](typename FrameGraph<T>::Node) { return Result<>(); });
}

template class FrameGraph<__half>;
template class FrameGraph<float>;
template Result<> enqueue_frame(const Network<__half> &,
                                const FrameKernels<__half> &, cudaStream_t);
template Result<> enqueue_frame(const Network<float> &,
                                const FrameKernels<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
