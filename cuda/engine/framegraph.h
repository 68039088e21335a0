// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/kernels/argmax.h"
#include "cuda/engine/network.h"
#include "cuda/engine/kernels/preprocess.h"
#include "cuda/engine/kernels/temporalfilter.h"
#include "cuda/handles.h"

namespace fastscnn::cuda {

/// The kernels around the network, with the parameters of one frame.
template <typename T>
struct FrameKernels {
  Preprocess<T> preprocess = {};
  SceneChange<T> scene_change = {};
  TemporalFilter<T> filter = {};
  Argmax<T, true> argmax = {};
  bool smooths = false;      ///< whether scene_change and filter run
  bool fuses_front = false;  ///< see FrameExecutor::prefers_front()
  /// Whether the fused front runs: not with smoothing, because the scene change
  /// needs an image.
  bool starts_fused() const { return fuses_front && !smooths; }
  bool soft() const { return argmax.confidence || argmax.threshold > 0.f; }
};

/// All work for a frame on the device, as one CUDA graph. Its frames differ
/// only in the parameters of its nodes; frames that need other nodes need
/// another graph. (On an H200 with driver 580, graphs with disabled nodes gave
/// wrong masks, or none.)
template <typename T>
class FrameGraph {
 public:
  /// Nodes with parameters that differ from frame to frame.
  enum class Node { kPreprocess, kSceneChange, kFilter, kArgmax, kCount };

  /// Whether this is a graph for such a frame; false before create().
  bool fits(const FrameKernels<T> &kernels) const {
    return exec_ && fuses_front_ == kernels.starts_fused() &&
           smooths_ == kernels.smooths && soft_ == kernels.soft() &&
           blocks_ == kernels.argmax.blocks();
  }

  /// Captures the graph on a stream. All kernels must have run before: loading
  /// them is not allowed during a capture. The network must outlive the graph.
  static Result<FrameGraph> create(const Network<T> &network,
                                   const FrameKernels<T> &kernels,
                                   cudaStream_t stream);

  /// Queues the transfer to the device, which else the first launch would do.
  Result<> upload(cudaStream_t stream) const;

  /// Queues a frame that the graph fits.
  Result<> launch(const FrameKernels<T> &kernels, cudaStream_t stream) const;

 private:
  const Network<T> *network_ = nullptr;
  GraphExec exec_;
  Graph graph_;  // owns the nodes
  bool fuses_front_ = false, smooths_ = false, soft_ = false;
  int blocks_ = 0;  // of the argmax: they depend on the size of the mask
  cudaGraphNode_t nodes_[static_cast<int>(Node::kCount)] = {};
};

/// Queues the kernels of a frame one by one.
template <typename T>
Result<> enqueue_frame(const Network<T> &network,
                       const FrameKernels<T> &kernels, cudaStream_t stream);

}  // namespace fastscnn::cuda
