// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/transfer/download.h"

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

Result<> Download::queue_plane(int plane, uint8_t *dst, int stride,
                               cudaStream_t stream) {
  const size_t offset = plane * plane_bytes();
  const uint8_t *device = static_cast<const uint8_t *>(device_.get()) + offset;
  uint8_t *pinned = static_cast<uint8_t *>(pinned_.get()) + offset;
  direct_[plane] =
      stride >= width_ &&
      FASTSCNN_TRY(is_pinned(dst, size_t(stride) * (height_ - 1) + width_));
  if (direct_[plane])
    TRY_CUDA(cudaMemcpy2DAsync(dst, stride, device, width_, width_, height_,
                               cudaMemcpyDeviceToHost, stream));
  else
    TRY_CUDA(cudaMemcpyAsync(pinned, device, plane_bytes(),
                             cudaMemcpyDeviceToHost, stream));
  return {};
}

Result<> Download::queue(const Mask &dst, cudaStream_t stream) {
  FASTSCNN_TRY(queue_plane(0, dst.ids, dst.stride, stream));
  return dst.confidence
             ? queue_plane(1, dst.confidence, dst.confidence_stride, stream)
             : Result<>();
}

void Download::finish_plane(int plane, uint8_t *dst, int stride) const {
  if (direct_[plane]) return;
  const uint8_t *src =
      static_cast<const uint8_t *>(pinned_.get()) + plane * plane_bytes();
  for (int y = 0; y < height_; y++)
    std::memcpy(dst + ptrdiff_t(y) * stride, src + size_t(y) * width_, width_);
}

void Download::finish(const Mask &dst) const {
  finish_plane(0, dst.ids, dst.stride);
  if (dst.confidence) finish_plane(1, dst.confidence, dst.confidence_stride);
}

}  // namespace fastscnn::cuda
