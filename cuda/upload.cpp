// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/upload.h"

#include <cstring>

namespace fastscnn::cuda {

Upload::Upload(const FrameInfo &info) : info_(info) {
  constexpr size_t kPlaneAlignment = 256;
  for (int p = 0; p < info.planes; p++) {
    offset_[p] = bytes_;
    const size_t bytes = size_t(info.row_bytes[p]) * info.rows[p];
    bytes_ += (bytes + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
  }
  device_ = make_device_memory(bytes_);
  for (Staging &s : staging_) {
    s.memory = make_pinned_memory(bytes_);
    s.free = make_event();
  }
}

ConstFrame Upload::queue(const ConstFrame &src, cudaStream_t stream) {
  Staging &staging = staging_[next_];
  next_ = 1 - next_;
  // Waits for the GPU if it has not yet fetched the frame before the last.
  CHECK_CUDA(cudaEventSynchronize(staging.free.get()));
  ConstFrame dst;
  for (int p = 0; p < info_.planes; p++) {
    uint8_t *pinned = static_cast<uint8_t *>(staging.memory.get()) + offset_[p];
    uint8_t *device = static_cast<uint8_t *>(device_.get()) + offset_[p];
    const size_t row_bytes = info_.row_bytes[p];
    if (src.stride[p] == info_.row_bytes[p]) {
      std::memcpy(pinned, src.data[p], row_bytes * info_.rows[p]);
    } else {
      for (int y = 0; y < info_.rows[p]; y++)
        std::memcpy(pinned + y * row_bytes,
                    src.data[p] + ptrdiff_t(y) * src.stride[p], row_bytes);
    }
    // Plane by plane: one travels while the next is gathered.
    CHECK_CUDA(cudaMemcpyAsync(device, pinned, row_bytes * info_.rows[p],
                               cudaMemcpyHostToDevice, stream));
    dst.data[p] = device;
    dst.stride[p] = info_.row_bytes[p];
  }
  CHECK_CUDA(cudaEventRecord(staging.free.get(), stream));
  return dst;
}

}  // namespace fastscnn::cuda
