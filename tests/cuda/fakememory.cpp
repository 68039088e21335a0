// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory of the fake runtime, and copies.
#include <cuda_runtime_api.h>

#include <cstring>

#include "tests/cuda/fakecalls.h"

using namespace fastscnn::cuda::fakecuda;

namespace {

/// Memory is pinned in pages, so the driver may report a neighbour as pinned.
bool is_in_registered_page(const void *memory) {
  constexpr uintptr_t kPage = 4096;
  const uintptr_t page = reinterpret_cast<uintptr_t>(memory) / kPage;
  for (const auto &[address, object] : state().objects) {
    const auto first = reinterpret_cast<uintptr_t>(address);
    if (object.kind == "registered" && first / kPage <= page &&
        page <= (first + object.bytes - 1) / kPage)
      return true;
  }
  return false;
}

bool overlaps_registered(const void *memory, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(memory);
  for (const auto &[address, object] : state().objects) {
    const auto other = reinterpret_cast<uintptr_t>(address);
    if (object.kind == "registered" && other < first + bytes &&
        first < other + object.bytes)
      return true;
  }
  return false;
}

void require_pinned(const void *memory, size_t bytes, const char *call) {
  require(is(memory, "pinned", bytes) || is(memory, "registered", bytes), call,
          "the host's memory is not pinned");
}

}  // namespace

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
cudaError_t cudaHostRegister(void *memory, size_t bytes, unsigned flags) {
  LOCK;
  UNCAPTURED;
  require(flags == cudaHostRegisterPortable, __func__,
          "other contexts do not know of it");
  require(!is(memory, "pinned", bytes), __func__, "it is pinned");
  CALL;
  if (overlaps_registered(memory, bytes))
    return cudaErrorHostMemoryAlreadyRegistered;
  add(memory, "registered", bytes);
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void *memory) {
  LOCK;
  UNCAPTURED;
  remove(memory, "registered", __func__);
  return fails(__func__) ? error() : cudaSuccess;
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
  require_pinned(kind == cudaMemcpyHostToDevice ? src : dst, bytes, __func__);
  QUEUE;
  std::memcpy(dst, src, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void *dst, size_t dst_pitch, const void *src,
                              size_t src_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  LOCK;
  require(width <= dst_pitch && width <= src_pitch, __func__, "rows overlap");
  const bool to_device = kind == cudaMemcpyHostToDevice;
  require_pinned(to_device ? src : dst,
                 (to_device ? src_pitch : dst_pitch) * (height - 1) + width,
                 __func__);
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
  attributes->type = is(memory, "pinned") || is_in_registered_page(memory)
                         ? cudaMemoryTypeHost
                     : is(memory, "device") ? cudaMemoryTypeDevice
                                            : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
