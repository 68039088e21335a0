// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <random>
#include <vector>

#include "cuda/graph.h"
#include "net/frame.h"

namespace fastscnn::cuda {

/// A frame of random bytes in device memory, to time and compare kernels with:
/// pixels that are alike would hide differences.
struct SampleFrame {
  DeviceMemory memory;
  ConstFrame frame;

  static Result<SampleFrame> create(const FrameInfo &info) {
    size_t offset[kMaxPlanes] = {}, bytes = 0;
    for (int p = 0; p < info.planes; p++) {
      offset[p] = bytes;
      bytes += size_t(info.row_bytes[p]) * info.rows[p];
    }
    std::vector<uint8_t> values(bytes);
    std::minstd_rand random;
    for (uint8_t &value : values) value = static_cast<uint8_t>(random() >> 8);
    SampleFrame sample;
    sample.memory = FASTSCNN_TRY(make_device_memory(bytes));
    TRY_CUDA(cudaMemcpy(sample.memory.get(), values.data(), bytes,
                        cudaMemcpyHostToDevice));
    FASTSCNN_TRY(synchronize_context());
    for (int p = 0; p < info.planes; p++) {
      sample.frame.data[p] =
          static_cast<const uint8_t *>(sample.memory.get()) + offset[p];
      sample.frame.stride[p] = info.row_bytes[p];
    }
    return sample;
  }
};

}  // namespace fastscnn::cuda
