// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/upload.h"

#include <cstring>

namespace fastscnn::cuda {

Result<Upload> Upload::create(const FrameInfo &info) {
  constexpr size_t kPlaneAlignment = 256;
  Upload upload(info);
  size_t bytes = 0;
  for (int p = 0; p < info.planes; p++) {
    upload.offset_[p] = bytes;
    bytes += size_t(info.row_bytes[p]) * info.rows[p];
    bytes = (bytes + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
  }
  upload.device_ = FASTSCNN_TRY(make_device_memory(bytes));
  upload.pinned_ = FASTSCNN_TRY(make_pinned_memory(bytes));
  return upload;
}

Result<ConstFrame> Upload::queue(const ConstFrame &src, cudaStream_t stream) {
  ConstFrame dst;
  for (int p = 0; p < info_.planes; p++) {
    uint8_t *pinned = static_cast<uint8_t *>(pinned_.get()) + offset_[p];
    uint8_t *device = static_cast<uint8_t *>(device_.get()) + offset_[p];
    const size_t row_bytes = info_.row_bytes[p];
    if (src.stride[p] == info_.row_bytes[p]) {
      std::memcpy(pinned, src.data[p], row_bytes * info_.rows[p]);
    } else {
      for (int y = 0; y < info_.rows[p]; y++)
        std::memcpy(pinned + y * row_bytes,
                    src.data[p] + ptrdiff_t(y) * src.stride[p], row_bytes);
    }
    // One plane is transferred while the next one is copied to pinned memory.
    TRY_CUDA(cudaMemcpyAsync(device, pinned, row_bytes * info_.rows[p],
                             cudaMemcpyHostToDevice, stream));
    dst.data[p] = device;
    dst.stride[p] = info_.row_bytes[p];
  }
  return dst;
}

}  // namespace fastscnn::cuda
