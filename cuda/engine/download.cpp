// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/download.h"

#include <cstring>

namespace fastscnn::cuda {

Result<Download> Download::create(int width, int height) {
  Download download(width, height);
  const size_t bytes = 2 * download.plane_bytes();
  download.device_ = FASTSCNN_TRY(make_device_memory(bytes));
  download.pinned_ = FASTSCNN_TRY(make_pinned_memory(bytes));
  download.stream_ = FASTSCNN_TRY(make_stream());
  download.written_ = FASTSCNN_TRY(make_event());
  download.copied_ = FASTSCNN_TRY(make_event());
  return download;
}

Result<Mask> Download::begin(const Mask &dst, cudaStream_t stream) {
  FASTSCNN_TRY(finish());
  TRY_CUDA(cudaStreamWaitEvent(stream, copied_.get(), 0));
  dst_ = dst;
  Mask mask;
  mask.ids = static_cast<uint8_t *>(device_.get());
  mask.stride = width_;
  if (dst.confidence) mask.confidence = mask.ids + plane_bytes();
  mask.confidence_stride = width_;
  mask.counts = dst.counts;
  return mask;
}

Result<> Download::queue(cudaStream_t stream) {
  TRY_CUDA(cudaEventRecord(written_.get(), stream));
  TRY_CUDA(cudaStreamWaitEvent(stream_.get(), written_.get(), 0));
  TRY_CUDA(cudaMemcpyAsync(pinned_.get(), device_.get(),
                           plane_bytes() * (dst_.confidence ? 2 : 1),
                           cudaMemcpyDeviceToHost, stream_.get()));
  TRY_CUDA(cudaEventRecord(copied_.get(), stream_.get()));
  pending_ = true;
  return {};
}

Result<> Download::finish() {
  if (!pending_) return {};
  pending_ = false;
  // Waits for the GPU: the mask is to be read by the CPU.
  TRY_CUDA(cudaEventSynchronize(copied_.get()));
  const uint8_t *ids = static_cast<const uint8_t *>(pinned_.get());
  for (int y = 0; y < height_; y++) {
    const size_t at = size_t(y) * width_;
    std::memcpy(dst_.ids + ptrdiff_t(y) * dst_.stride, ids + at, width_);
    if (dst_.confidence)
      std::memcpy(dst_.confidence + ptrdiff_t(y) * dst_.confidence_stride,
                  ids + plane_bytes() + at, width_);
  }
  return {};
}

}  // namespace fastscnn::cuda
