// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/transfer/upload.h"

#include <algorithm>
#include <cstring>

namespace fastscnn::cuda {
namespace {

/// The CPU copies a piece, which is sent while the CPU copies the next one.
constexpr size_t kPieceBytes = 256 << 10;

}  // namespace

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
    uint8_t *device = static_cast<uint8_t *>(device_.get()) + offset_[p];
    dst.data[p] = device;
    dst.stride[p] = info_.row_bytes[p];
    const bool sendable = FASTSCNN_TRY(is_sendable(src, p));
    FASTSCNN_TRY(sendable ? send(src, p, device, stream)
                          : copy(src, p, device, stream));
  }
  return dst;
}

/// Whether the GPU can read the plane where it is.
Result<bool> Upload::is_sendable(const ConstFrame &src, int p) const {
  if (src.stride[p] < info_.row_bytes[p]) return false;
  return is_pinned(src.data[p], size_t(src.stride[p]) * (info_.rows[p] - 1) +
                                    info_.row_bytes[p]);
}

Result<> Upload::send(const ConstFrame &src, int p, uint8_t *device,
                      cudaStream_t stream) const {
  const size_t row_bytes = info_.row_bytes[p];
  TRY_CUDA(cudaMemcpy2DAsync(device, row_bytes, src.data[p], src.stride[p],
                             row_bytes, info_.rows[p], cudaMemcpyHostToDevice,
                             stream));
  return {};
}

Result<> Upload::copy(const ConstFrame &src, int p, uint8_t *device,
                      cudaStream_t stream) const {
  uint8_t *pinned = static_cast<uint8_t *>(pinned_.get()) + offset_[p];
  const size_t row_bytes = info_.row_bytes[p];
  const int step =
      static_cast<int>(std::max<size_t>(1, kPieceBytes / row_bytes));
  for (int y = 0; y < info_.rows[p]; y += step) {
    const int rows = std::min(step, info_.rows[p] - y);
    uint8_t *piece = pinned + y * row_bytes;
    if (src.stride[p] == info_.row_bytes[p]) {
      std::memcpy(piece, src.data[p] + y * row_bytes, row_bytes * rows);
    } else {
      for (int row = 0; row < rows; row++)
        std::memcpy(piece + row * row_bytes,
                    src.data[p] + ptrdiff_t(y + row) * src.stride[p],
                    row_bytes);
    }
    TRY_CUDA(cudaMemcpyAsync(device + y * row_bytes, piece, row_bytes * rows,
                             cudaMemcpyHostToDevice, stream));
  }
  return {};
}

}  // namespace fastscnn::cuda
