// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "net/error.h"

/// Kernels are plain structs: their members are the parameters, their code is
/// host code as well, so that tests without a GPU run the very same indexing
/// and arithmetic. A kernel of independent work items has
///   int items() const;
///   void operator()(int item) const;
/// and one whose blocks work together, with a barrier between its phases,
///   static constexpr int kThreads, kPhases;
///   struct Shared;
///   int blocks() const;
///   void operator()(int phase, int block, int thread, Shared &) const;
#ifdef __CUDACC__
#define FASTSCNN_HD __host__ __device__
#else
#define FASTSCNN_HD
#endif

/// Before a loop whose arrays must stay in registers.
#ifdef __CUDA_ARCH__
#define FASTSCNN_UNROLL _Pragma("unroll")
#else
#define FASTSCNN_UNROLL
#endif

namespace fastscnn::cuda {

/// For sums that threads of any block add to.
FASTSCNN_HD inline void add_atomically(uint32_t *sum, uint32_t value) {
#ifdef __CUDA_ARCH__
  atomicAdd(sum, value);
#else
  *sum += value;
#endif
}

/// Queue a kernel. The .cu file of the kernel instantiates them.
template <class Items>
Result<> launch(const Items &kernel, cudaStream_t stream);
template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream);

}  // namespace fastscnn::cuda
