// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/handles.h"

#include <algorithm>
#include <string>

namespace fastscnn::cuda {

Result<> check_cuda(const char *command, cudaError_t result) {
  if (result == cudaSuccess) return {};
  cudaGetLastError();  // clear it, or the next launch would report it again
  const bool memory = result == cudaErrorMemoryAllocation;
  return Error{memory || result == cudaErrorDevicesUnavailable
                   ? Error::Kind::kDevice
                   : Error::Kind::kEngine,
               memory ? "The GPU does not have enough free memory; close "
                        "other programs or choose a smaller infer-width"
                      : std::string("CUDA failed: ") +
                            cudaGetErrorString(result) + " (" + command + ")"};
}

Result<Stream> make_stream() {
  cudaStream_t stream;
  TRY_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return Stream(stream);
}

Result<Event> make_event() {
  cudaEvent_t event;
  TRY_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return Event(event);
}

Result<Event> make_timing_event() {
  cudaEvent_t event;
  TRY_CUDA(cudaEventCreate(&event));
  return Event(event);
}

Result<Event> make_sleeping_event() {
  cudaEvent_t event;
  TRY_CUDA(cudaEventCreateWithFlags(
      &event, cudaEventDisableTiming | cudaEventBlockingSync));
  return Event(event);
}

Result<DeviceMemory> make_device_memory(size_t bytes) {
  void *memory;
  TRY_CUDA(cudaMalloc(&memory, std::max<size_t>(bytes, 1)));
  return DeviceMemory(memory);
}

Result<PinnedMemory> make_pinned_memory(size_t bytes) {
  void *memory;
  TRY_CUDA(cudaHostAlloc(&memory, std::max<size_t>(bytes, 1),
                         cudaHostAllocPortable));
  return PinnedMemory(memory);
}

Result<Registration> make_registration(void *memory, size_t bytes) {
  TRY_CUDA(cudaHostRegister(memory, bytes, cudaHostRegisterPortable));
  return Registration(memory);
}

Result<bool> is_pinned(const void *memory, size_t bytes) {
  const auto *first = static_cast<const char *>(memory);
  // Also in the middle: the ends may share pages with pinned neighbours.
  for (const char *byte : {first, first + bytes / 2, first + bytes - 1}) {
    cudaPointerAttributes attributes = {};
    TRY_CUDA(cudaPointerGetAttributes(&attributes, byte));
    if (attributes.type != cudaMemoryTypeHost) return false;
  }
  return true;
}

}  // namespace fastscnn::cuda
