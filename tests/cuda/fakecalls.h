// SPDX-License-Identifier: LGPL-2.1-or-later
// Helpers for the calls of the fake runtime.
#pragma once

#include "tests/cuda/fakestate.h"

namespace fastscnn::cuda::fakecuda {

inline cudaError_t error() {
  return state().fault == Fault::kOnce ? cudaErrorMemoryAllocation
                                       : cudaErrorIllegalAddress;
}

/// A runtime call that needs a current context and has no other effect.
inline cudaError_t runtime(const char *call) {
  require(contexts > 0, call, "no context is current");
  return fails(call) ? error() : cudaSuccess;
}

/// Destroys an object in a call of the runtime, even if the call fails.
inline cudaError_t release(void *object, const char *kind, const char *call) {
  destroy(object, kind, call);
  return fails(call) ? error() : cudaSuccess;
}

/// Makes an object in a call of the runtime.
template <typename T>
cudaError_t create(T *object, const char *kind, size_t bytes,
                   const char *call) {
  const cudaError_t status = runtime(call);
  if (status == cudaSuccess) *object = static_cast<T>(make(kind, bytes));
  return status;
}

}  // namespace fastscnn::cuda::fakecuda

/// Starts a runtime call that needs a current context.
#define CALL \
  if (const cudaError_t status = runtime(__func__)) return status
/// Starts a call that queues work.
#define QUEUE                        \
  check(stream, "stream", __func__); \
  CALL;                              \
  follows_kernel = false;            \
  if (!capturing) state().busy.insert(stream)
/// Starts a call that is not allowed while its thread captures a stream.
#define UNCAPTURED require(!capturing, __func__, "a stream is being captured")
