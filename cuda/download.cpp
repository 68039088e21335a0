// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/download.h"

#include <cstring>

namespace fastscnn::cuda {

Download::Download(int width, int height)
    : width_(width),
      height_(height),
      device_(make_device_memory(2 * plane_bytes())),
      pinned_(make_pinned_memory(2 * plane_bytes())),
      stream_(make_stream()),
      written_(make_event()),
      copied_(make_event()) {}

Mask Download::begin(const Mask &dst, cudaStream_t stream) {
  finish();
  CHECK_CUDA(cudaStreamWaitEvent(stream, copied_.get(), 0));
  dst_ = dst;
  Mask mask;
  mask.ids = static_cast<uint8_t *>(device_.get());
  mask.stride = width_;
  if (dst.confidence) mask.confidence = mask.ids + plane_bytes();
  mask.confidence_stride = width_;
  mask.counts = dst.counts;
  return mask;
}

void Download::queue(cudaStream_t stream) {
  CHECK_CUDA(cudaEventRecord(written_.get(), stream));
  CHECK_CUDA(cudaStreamWaitEvent(stream_.get(), written_.get(), 0));
  CHECK_CUDA(cudaMemcpyAsync(pinned_.get(), device_.get(),
                             plane_bytes() * (dst_.confidence ? 2 : 1),
                             cudaMemcpyDeviceToHost, stream_.get()));
  CHECK_CUDA(cudaEventRecord(copied_.get(), stream_.get()));
  pending_ = true;
}

void Download::finish() {
  if (!pending_) return;
  pending_ = false;
  // Waits for the GPU: the mask is to be read by the CPU.
  CHECK_CUDA(cudaEventSynchronize(copied_.get()));
  const uint8_t *ids = static_cast<const uint8_t *>(pinned_.get());
  for (int y = 0; y < height_; y++) {
    const size_t at = size_t(y) * width_;
    std::memcpy(dst_.ids + ptrdiff_t(y) * dst_.stride, ids + at, width_);
    if (dst_.confidence)
      std::memcpy(dst_.confidence + ptrdiff_t(y) * dst_.confidence_stride,
                  ids + plane_bytes() + at, width_);
  }
}

}  // namespace fastscnn::cuda
