// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/download.h"

#include <cstring>

namespace fastscnn::cuda {

Result<Download> Download::create(int width, int height) {
  Download download(width, height);
  const size_t bytes = 2 * download.plane_bytes();
  download.device_ = FASTSCNN_TRY(make_device_memory(bytes));
  download.pinned_ = FASTSCNN_TRY(make_pinned_memory(bytes));
  return download;
}

Mask Download::source(const Mask &dst) const {
  Mask mask;
  mask.memory = Memory::kDevice;
  mask.ids = static_cast<uint8_t *>(device_.get());
  if (dst.confidence) mask.confidence = mask.ids + plane_bytes();
  mask.stride = mask.confidence_stride = width_;
  return mask;
}

Result<> Download::queue(const Mask &dst, cudaStream_t stream) const {
  TRY_CUDA(cudaMemcpyAsync(pinned_.get(), device_.get(),
                           plane_bytes() * (dst.confidence ? 2 : 1),
                           cudaMemcpyDeviceToHost, stream));
  return {};
}

void Download::finish(const Mask &dst) const {
  const uint8_t *ids = static_cast<const uint8_t *>(pinned_.get());
  for (int y = 0; y < height_; y++) {
    const size_t at = size_t(y) * width_;
    std::memcpy(dst.ids + ptrdiff_t(y) * dst.stride, ids + at, width_);
    if (dst.confidence)
      std::memcpy(dst.confidence + ptrdiff_t(y) * dst.confidence_stride,
                  ids + plane_bytes() + at, width_);
  }
}

}  // namespace fastscnn::cuda
