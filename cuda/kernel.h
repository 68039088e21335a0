// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <utility>

#include "net/error.h"

/// A kernel is a plain struct whose members are its parameters. Its code also
/// compiles for the host, so that tests without a GPU run the same indexing and
/// arithmetic. A kernel of independent work items has
///   int items() const;
///   void operator()(int item) const;
/// A kernel whose threads cooperate in blocks, with a barrier between phases,
/// has
///   static constexpr int kThreads, kPhases;
///   struct Shared;
///   int blocks() const;
///   void operator()(int phase, int block, int thread, Shared &) const;
/// A kernel whose threads cooperate through cuda/simt.h, in clusters of
/// kCluster blocks, has
///   static constexpr int kThreads, kCluster;
///   static constexpr int kBlocksEach;         // that fit a multiprocessor
///   struct Shared;
///   static constexpr bool runs_on(int arch);  // arch: __CUDA_ARCH__
///   int grid_x() const, grid_y() const;       // in clusters
///   void operator()(Shared &) const;
#ifdef __CUDACC__
#define FASTSCNN_HD __host__ __device__
#else
#define FASTSCNN_HD
#endif

/// FASTSCNN_UNROLL goes before a loop over arrays that must stay in registers.
/// FASTSCNN_UNROLL_BY(n) goes before a loop whose loads should overlap; with
/// n = 1 it prevents unrolling, to save code or registers.
#ifdef __CUDA_ARCH__
#define FASTSCNN_UNROLL _Pragma("unroll")
#define FASTSCNN_PRAGMA(text) _Pragma(#text)
#define FASTSCNN_UNROLL_BY(n) FASTSCNN_PRAGMA(unroll n)
#else
#define FASTSCNN_UNROLL
#define FASTSCNN_UNROLL_BY(n)
#endif

namespace fastscnn::cuda {

/// Adds to a sum that any thread of any block may add to; returns its old
/// value.
FASTSCNN_HD inline uint32_t add_atomically(uint32_t *sum, uint32_t value) {
#ifdef __CUDA_ARCH__
  return atomicAdd(sum, value);
#else
  const uint32_t before = *sum;
  *sum += value;
  return before;
#endif
}

/// Sets such a sum to zero; returns its old value.
FASTSCNN_HD inline uint32_t take_atomically(uint32_t *sum) {
#ifdef __CUDA_ARCH__
  return atomicExch(sum, 0);
#else
  return std::exchange(*sum, 0);
#endif
}

/// A memory fence: a thread that sees a write of this thread after the fence
/// also sees its writes before the fence.
FASTSCNN_HD inline void fence() {
#ifdef __CUDA_ARCH__
  __threadfence();
#endif
}

/// When a kernel may start.
enum class Start {
  kAfter,  ///< when everything queued before is complete
  /// Programmatic dependent launch: while the previous kernel still runs; the
  /// kernel itself waits for it (simt.h). Needs sm_90. The previous kernel must
  /// be one of ours, whose threads all wait as well: so each kernel is complete
  /// before the next but one reads anything.
  kEarly,
};

/// Queue a kernel. The .cu files instantiate them.
template <class Items>
Result<> launch(const Items &kernel, cudaStream_t stream,
                Start start = Start::kAfter);
template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream,
                       Start start = Start::kAfter);
template <class Clusters>
Result<> launch_clusters(const Clusters &kernel, cudaStream_t stream,
                         Start start = Start::kAfter);

/// A node of a graph that can be launched.
struct GraphNode {
  cudaGraphExec_t exec;
  cudaGraphNode_t node;
};

/// Give a node that launch() made the parameters of another kernel of the same
/// type and grid. They take effect with the next launch of the graph.
template <class Items>
Result<> update(const Items &kernel, GraphNode node);
template <class Blocks>
Result<> update_blocks(const Blocks &kernel, GraphNode node);
template <class Clusters>
Result<> update_clusters(const Clusters &kernel, GraphNode node);

/// Queues kernels on a stream until one fails.
struct Launcher {
  cudaStream_t stream;
  bool overlaps = false;  ///< kernels that follow one of ours start early
  Result<> status = {};
  bool follows_ours = false;  ///< the work queued last is a kernel of ours

  template <class Items>
  void items(const Items &kernel) {
    if (status) status = launch(kernel, stream, next_start());
  }
  template <class Blocks>
  void blocks(const Blocks &kernel) {
    if (status) status = launch_blocks(kernel, stream, next_start());
  }
  template <class Clusters>
  void clusters(const Clusters &kernel) {
    if (status) status = launch_clusters(kernel, stream, next_start());
  }

 private:
  Start next_start() {
    return std::exchange(follows_ours, true) && overlaps ? Start::kEarly
                                                         : Start::kAfter;
  }
};

}  // namespace fastscnn::cuda
