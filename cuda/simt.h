// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>

/// FASTSCNN_DEVICE: a function of kernels. FASTSCNN_SIMT: one of the functions
/// below, which the machine provides.
#ifdef __CUDACC__
#define FASTSCNN_DEVICE __device__ __forceinline__
#define FASTSCNN_SIMT __device__ __forceinline__
#else
#define FASTSCNN_DEVICE inline
#define FASTSCNN_SIMT
#endif

/// What the threads of a GPU do together. Kernels that use nothing else also
/// run on the CPU, where tests/cuda/simt.cpp provides these functions. Needs
/// sm_80, clusters sm_90.
namespace fastscnn::cuda::simt {

FASTSCNN_SIMT int thread();   ///< in its block
FASTSCNN_SIMT int block_x();  ///< of the cluster, in the grid
FASTSCNN_SIMT int block_y();
FASTSCNN_SIMT int cluster_rank();  ///< of the block in its cluster

/// Wait for all threads of the block or cluster. Shared memory written before
/// is visible after.
FASTSCNN_SIMT void sync_block();
FASTSCNN_SIMT void sync_cluster();

/// The address in the block `rank` of the cluster of what lies at p in this
/// one. No block may return while others read its memory.
template <typename T>
FASTSCNN_DEVICE const T *shared_of(int rank, const T *p);

/// Accesses of shared memory, of 4, 8 or 16 bytes. Tests count bank conflicts.
template <typename V>
FASTSCNN_DEVICE V load_shared(const void *p);
template <typename V>
FASTSCNN_DEVICE void store_shared(void *p, const V &value);
/// A store to global memory. Tests count the 32-byte sectors.
template <typename V>
FASTSCNN_DEVICE void store_global(void *p, const V &value);

/// Copies 16 bytes to shared memory, zeros unless valid. The copies since the
/// last commit_copies() are a group.
FASTSCNN_SIMT void copy_async(void *shared, const void *global, bool valid);
FASTSCNN_SIMT void commit_copies();
/// Waits for the calling thread's copies, except for the last `pending` (0 to
/// 3) groups. Other threads see them after sync_block().
FASTSCNN_SIMT void wait_copies(int pending);

/// d (16x8) += a (16x16, rows) * b (16x8, columns), by a whole warp. The
/// fragments are those of PTX: of lane (r, q) = (lane / 4, lane % 4), a holds
/// (r, 2q), (r + 8, 2q), (r, 2q + 8), (r + 8, 2q + 8) and for each the element
/// to its right; b (2q, r), (2q + 8, r) and those below; d (r, 2q), (r, 2q +
/// 1), (r + 8, 2q), (r + 8, 2q + 1).
FASTSCNN_SIMT void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                       uint32_t b1);

/// x, in a register that compilers do not take for that of x.
FASTSCNN_SIMT uint32_t copy_register(uint32_t x);

/// Programmatic dependent launch: what lies before wait_for_previous() may
/// overlap the kernels in front, so it reads weights at most, and writes
/// nothing to global memory. Their results are visible after it. Every thread
/// must call it. let_next_start() says that the next kernel may begin.
FASTSCNN_SIMT void wait_for_previous();
FASTSCNN_SIMT void let_next_start();

/// a * b + c, and x clamped, of two halves.
FASTSCNN_SIMT __half2 fma2(__half2 a, __half2 b, __half2 c);
FASTSCNN_SIMT __half2 clamp2(__half2 x, __half2 low, __half2 high);

#ifndef __CUDACC__

/// For the counts of the tests.
void note_shared(const void *p, int bytes);
void note_store(const void *p, int bytes);
const void *address_in(int rank, const void *p);

template <typename T>
const T *shared_of(int rank, const T *p) {
  return static_cast<const T *>(address_in(rank, p));
}
template <typename V>
V load_shared(const void *p) {
  note_shared(p, sizeof(V));
  return *static_cast<const V *>(p);
}
template <typename V>
void store_shared(void *p, const V &value) {
  note_shared(p, sizeof(V));
  *static_cast<V *>(p) = value;
}
template <typename V>
void store_global(void *p, const V &value) {
  note_store(p, sizeof(V));
  *static_cast<V *>(p) = value;
}

#endif

}  // namespace fastscnn::cuda::simt

#ifdef __CUDACC__
#include "cuda/simtdevice.h"
#endif
