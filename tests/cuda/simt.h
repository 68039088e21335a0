// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

#include "cuda/simt.h"

/// Runs kernels that use cuda/simt.h on the CPU. Each thread of a cluster is a
/// fiber, which yields at barriers and matrix products. Shared memory is filled
/// with NaN, asynchronous copies complete as late as possible, and the memory
/// of a block is overwritten when its last thread returns. In programs compiled
/// with -fsanitize=thread that link simt.cpp compiled with -DSIMT_TSAN=1,
/// ThreadSanitizer sees each fiber as a thread, and so finds missing barriers.
namespace fastscnn::cuda::emulator {

/// The work that a real GPU does if the threads of a warp run in lockstep.
struct Counts {
  long blocks = 0;
  long products = 0;       ///< mma of a warp
  long waves = 0;          ///< of accesses of shared memory
  long least_waves = 0;    ///< without bank conflicts
  long sectors = 0;        ///< of stores to global memory
  long least_sectors = 0;  ///< if all were full
  int barriers = 0;        ///< of one thread
  int cluster_barriers = 0;
};

struct Options {
  bool backwards = false;    ///< the order in which threads are resumed
  int without_barrier = -1;  ///< leaves out one of Counts::barriers
  int without_cluster_barrier = -1;
  bool without_wait = false;  ///< leaves out wait_for_previous()
  /// Memory that the previous kernel may write until wait_for_previous().
  /// ThreadSanitizer reports threads that access it earlier.
  struct Memory {
    void *begin;
    size_t bytes;
  };
  std::vector<Memory> previous;
};

/// Runs a kernel. Compiling this takes seconds for each kernel, so fused-*.cpp
/// instantiate it for all tests. simt-inl.h has the definition for others.
template <class Kernel>
Counts clusters(const Kernel &kernel, const Options &options = {});

}  // namespace fastscnn::cuda::emulator
