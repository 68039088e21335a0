// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/simt.h"

/// The device side of simt.h.
namespace fastscnn::cuda::simt {

FASTSCNN_SIMT int thread() { return threadIdx.x; }
FASTSCNN_SIMT int block_x() { return blockIdx.x; }
FASTSCNN_SIMT int block_y() { return blockIdx.y; }
FASTSCNN_SIMT int cluster_rank() { return blockIdx.z; }
FASTSCNN_SIMT void sync_block() { __syncthreads(); }
FASTSCNN_SIMT void sync_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "barrier.cluster.arrive.release.aligned;\n"
      "barrier.cluster.wait.acquire.aligned;" ::
          : "memory");
#endif
}

template <typename T>
FASTSCNN_DEVICE const T *shared_of(int rank, const T *p) {
  uint64_t there = 0;
#if __CUDA_ARCH__ >= 900
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(p), "r"(rank));
#endif
  return reinterpret_cast<const T *>(there);
}

template <typename V>
FASTSCNN_DEVICE V load_shared(const void *p) {
  return *static_cast<const V *>(p);
}
template <typename V>
FASTSCNN_DEVICE void store_shared(void *p, const V &value) {
  *static_cast<V *>(p) = value;
}
template <typename V>
FASTSCNN_DEVICE void store_global(void *p, const V &value) {
  *static_cast<V *>(p) = value;
}

FASTSCNN_SIMT void copy_async(void *shared, const void *global, bool valid) {
#if __CUDA_ARCH__ >= 800
  const auto to = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(global), "r"(valid ? 16 : 0)
               : "memory");
#endif
}
FASTSCNN_SIMT void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
FASTSCNN_SIMT void wait_copies(int pending) {
#if __CUDA_ARCH__ >= 800
  if (pending == 0)
    asm volatile("cp.async.wait_group 0;" ::: "memory");
  else if (pending == 1)
    asm volatile("cp.async.wait_group 1;" ::: "memory");
  else if (pending == 2)
    asm volatile("cp.async.wait_group 2;" ::: "memory");
  else
    asm volatile("cp.async.wait_group 3;" ::: "memory");
#endif
}

FASTSCNN_SIMT void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                       uint32_t b1) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

FASTSCNN_SIMT uint32_t copy_register(uint32_t x) {
  uint32_t copy;
  asm volatile("prmt.b32 %0, %1, 0, 0x3210;" : "=r"(copy) : "r"(x));
  return copy;
}

FASTSCNN_SIMT void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
FASTSCNN_SIMT void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

FASTSCNN_SIMT __half2 fma2(__half2 a, __half2 b, __half2 c) {
  return __hfma2(a, b, c);
}
FASTSCNN_SIMT __half2 clamp2(__half2 x, __half2 low, __half2 high) {
#if __CUDA_ARCH__ >= 800
  return __hmin2(__hmax2(x, low), high);
#else
  return x;
#endif
}

}  // namespace fastscnn::cuda::simt
