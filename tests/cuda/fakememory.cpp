// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory of the fake runtime, and copies.
#include <cuda_runtime_api.h>

#include <cstring>

#include "tests/cuda/fakecalls.h"

using namespace fastscnn::cuda::fakecuda;

cudaError_t cudaMalloc(void **memory, size_t bytes) {
  LOCK;
  UNCAPTURED;
  return create(memory, "device", bytes, __func__);
}
cudaError_t cudaFree(void *memory) {
  LOCK;
  UNCAPTURED;
  return release(memory, "device", __func__);
}
cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned) {
  LOCK;
  UNCAPTURED;
  return create(memory, "pinned", bytes, __func__);
}
cudaError_t cudaFreeHost(void *memory) {
  LOCK;
  UNCAPTURED;
  return release(memory, "pinned", __func__);
}
cudaError_t cudaMemset(void *memory, int value, size_t bytes) {
  LOCK;
  UNCAPTURED;
  CALL;
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes,
                            cudaStream_t stream) {
  LOCK;
  QUEUE;
  std::memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes,
                       cudaMemcpyKind) {
  LOCK;
  UNCAPTURED;
  CALL;
  std::memcpy(dst, src, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  LOCK;
  require(is(kind == cudaMemcpyHostToDevice ? src : dst, "pinned"), __func__,
          "the host's memory is not pinned");
  QUEUE;
  std::memcpy(dst, src, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dst_pitch, const void *src,
                              size_t src_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  LOCK;
  require(width <= dst_pitch && width <= src_pitch, __func__, "rows overlap");
  require(is(kind == cudaMemcpyHostToDevice ? src : dst, "pinned"), __func__,
          "the host's memory is not pinned");
  QUEUE;
  for (size_t y = 0; y < height; y++)
    std::memcpy(static_cast<char *>(dst) + y * dst_pitch,
                static_cast<const char *>(src) + y * src_pitch, width);
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *attributes,
                                     const void *memory) {
  LOCK;
  CALL;
  attributes->type = is(memory, "pinned")   ? cudaMemoryTypeHost
                     : is(memory, "device") ? cudaMemoryTypeDevice
                                            : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
