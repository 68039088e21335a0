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
#include "tests/support/contracttests.h"
#include "tests/support/must.h"

/// Ends the program if a call of CUDA fails.
#define CHECK_CUDA(command) \
  ::fastscnn::must(::fastscnn::cuda::check_cuda(#command, (command)))

namespace fastscnn::testing {

/// If no test can run, prints a TAP line that skips them and returns true.
inline bool skip_without_device() {
  const Result<> machine = cuda::check_machine();
  const Result<size_t> cudnn = cuda::Cudnn::version();
  if (machine && cudnn) return false;
  const Error &why = machine ? cudnn.error() : machine.error();
  g_print("1..0 # SKIP %s\n", why.sentence.c_str());
  return true;
}

/// A copy of host memory on the device, which can be read back.
template <typename T>
class DeviceCopy {
 public:
  DeviceCopy(const T *data, size_t count) : DeviceCopy(count) {
    CHECK_CUDA(cudaMemcpy(memory_.get(), data, count * sizeof(T),
                          cudaMemcpyHostToDevice));
    CHECK_CUDA(cudaDeviceSynchronize());
  }

  /// Filled with 0xff: NaN in every type of float.
  explicit DeviceCopy(size_t count)
      : count_(count),
        memory_(must(cuda::make_device_memory(count * sizeof(T)))) {
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
  cuda::DeviceMemory memory_;
};

/// For tests that also run without a device. The context must be current.
inline constexpr TestMemory kDeviceMemory = {
    Memory::kDevice,
    [](const std::vector<uint8_t> &bytes) {
      const auto copy =
          std::make_shared<DeviceCopy<uint8_t>>(bytes.data(), bytes.size());
      return std::shared_ptr<uint8_t>(copy, copy->get());
    },
    [](const uint8_t *memory, size_t size) {
      std::vector<uint8_t> bytes(size);
      CHECK_CUDA(cudaDeviceSynchronize());
      CHECK_CUDA(
          cudaMemcpy(bytes.data(), memory, size, cudaMemcpyDeviceToHost));
      return bytes;
    }};

}  // namespace fastscnn::testing
