// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>

/// FASTSCNN_DEVICE marks a function that kernels call, FASTSCNN_SIMT one of the
/// functions below, which the GPU or its emulator implements.
#ifdef __CUDACC__
#define FASTSCNN_DEVICE __device__ __forceinline__
#define FASTSCNN_SIMT __device__ __forceinline__
#else
#define FASTSCNN_DEVICE inline
#define FASTSCNN_SIMT
#endif

/// Functions by which the threads of a GPU cooperate. Kernels that use no
/// others also run on the CPU, where tests/cuda/simt.cpp implements them. Needs
/// sm_80, clusters sm_90.
namespace fastscnn::cuda::simt {

FASTSCNN_SIMT int thread();   ///< index in its block
FASTSCNN_SIMT int block_x();  ///< position of the cluster in the grid
FASTSCNN_SIMT int block_y();
FASTSCNN_SIMT int cluster_rank();  ///< index of the block in its cluster

/// Wait for all threads of the block or cluster. Writes to shared memory before
/// the barrier are visible after it.
FASTSCNN_SIMT void sync_block();
FASTSCNN_SIMT void sync_cluster();

/// Maps p, which points to this block's shared memory, to the same place in
/// that of the block `rank` of the cluster. No block may return while others
/// read its memory.
template <typename T>
FASTSCNN_DEVICE const T *shared_of(int rank, const T *p);

/// Access 4, 8 or 16 bytes of shared memory. Tests count bank conflicts.
template <typename V>
FASTSCNN_DEVICE V load_shared(const void *p);
template <typename V>
FASTSCNN_DEVICE void store_shared(void *p, const V &value);
/// Stores to global memory. Tests count the 32-byte sectors.
template <typename V>
FASTSCNN_DEVICE void store_global(void *p, const V &value);

/// Starts a copy of 16 bytes to shared memory; unless valid, it writes zeros.
/// commit_copies() makes a group of the copies since its last call.
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

/// Copies x to a register that compilers cannot merge with that of x.
FASTSCNN_SIMT uint32_t copy_register(uint32_t x);

/// Programmatic dependent launch: code before wait_for_previous() may overlap
/// the previous kernels, so it may only read weights, and must not write to
/// global memory. Their results are visible after it. Every thread must call
/// it. let_next_start() allows the next kernel to begin.
FASTSCNN_SIMT void wait_for_previous();
FASTSCNN_SIMT void let_next_start();

/// a * b + c, and x clamped to low..high, for two halves.
FASTSCNN_SIMT __half2 fma2(__half2 a, __half2 b, __half2 c);
FASTSCNN_SIMT __half2 clamp2(__half2 x, __half2 low, __half2 high);

#ifndef __CUDACC__

/// Implemented by tests/cuda/simt.cpp.
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
