// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cuda/context.h"
#include "cuda/engine/cudnn.h"
#include "cuda/handles.h"
#include "net/error.h"
#include "tests/support/must.h"

/// Helpers of the tests that run on a GPU.
#define CHECK_CUDA(command) \
  ::fastscnn::must(::fastscnn::cuda::check_cuda(#command, (command)))

namespace fastscnn::cuda::testing {

/// Whether this machine cannot run the tests; prints a TAP skip line if so.
inline bool skip_without_device() {
  const Result<> machine = check_machine();
  const Result<size_t> cudnn = Cudnn::version();
  if (machine && cudnn) return false;
  const Error &why = machine ? cudnn.error() : machine.error();
  g_print("1..0 # SKIP %s\n", why.sentence.c_str());
  return true;
}

/// A copy of host memory on the device, and back.
template <typename T>
class DeviceCopy {
 public:
  DeviceCopy(const T *data, size_t count)
      : count_(count), memory_(must(make_device_memory(count * sizeof(T)))) {
    CHECK_CUDA(cudaMemcpy(memory_.get(), data, count * sizeof(T),
                          cudaMemcpyHostToDevice));
    CHECK_CUDA(cudaDeviceSynchronize());
  }

  /// Filled with 0xff: NaN in every floating-point type.
  explicit DeviceCopy(size_t count)
      : count_(count), memory_(must(make_device_memory(count * sizeof(T)))) {
    CHECK_CUDA(cudaMemset(memory_.get(), 0xff, count * sizeof(T)));
    CHECK_CUDA(cudaDeviceSynchronize());
  }

  T *get() const { return static_cast<T *>(memory_.get()); }

  std::vector<T> read() const {
    std::vector<T> data(count_);
    CHECK_CUDA(cudaDeviceSynchronize());
    CHECK_CUDA(cudaMemcpy(data.data(), memory_.get(), count_ * sizeof(T),
                          cudaMemcpyDeviceToHost));
    return data;
  }

 private:
  size_t count_;
  DeviceMemory memory_;
};

}  // namespace fastscnn::cuda::testing
