// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <utility>

#include "net/error.h"

namespace fastscnn::cuda {

/// An Error with CUDA's message unless the command succeeded.
Result<> check_cuda(const char *command, cudaError_t result);
#define TRY_CUDA(command) \
  FASTSCNN_TRY(::fastscnn::cuda::check_cuda(#command, (command)))

/// Owns an object of the CUDA runtime. Destroying it ignores errors: an earlier
/// call reported them, or the device is lost.
template <typename T, cudaError_t (*destroy)(T)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T value) : value_(value) {}
  Handle(Handle &&other) noexcept
      : value_(std::exchange(other.value_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Handle() {
    if (value_) destroy(value_);
  }

  T get() const { return value_; }
  explicit operator bool() const { return value_ != nullptr; }

 private:
  T value_ = nullptr;
};

using Stream = Handle<cudaStream_t, cudaStreamDestroy>;
using Event = Handle<cudaEvent_t, cudaEventDestroy>;
using Graph = Handle<cudaGraph_t, cudaGraphDestroy>;
using GraphExec = Handle<cudaGraphExec_t, cudaGraphExecDestroy>;
using DeviceMemory = Handle<void *, cudaFree>;
using PinnedMemory = Handle<void *, cudaFreeHost>;
using Registration = Handle<void *, cudaHostUnregister>;  // of host memory

/// These create objects in the current context; destroy them in it, too.
Result<Stream> make_stream();  ///< does not wait for the default stream
Result<Event> make_event();    ///< without timing
Result<Event> make_timing_event();
Result<Event> make_sleeping_event();  ///< waiting threads sleep
Result<DeviceMemory> make_device_memory(size_t bytes);  ///< at least one byte
Result<PinnedMemory> make_pinned_memory(size_t bytes);
/// Pins memory, which must not be pinned yet.
Result<Registration> make_registration(void *memory, size_t bytes);

/// Whether host memory is page-locked, so that the GPU can read and write it.
Result<bool> is_pinned(const void *memory, size_t bytes);

}  // namespace fastscnn::cuda
