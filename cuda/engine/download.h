// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// Copies masks from device to host memory through a pinned buffer.
class Download {
 public:
  static Result<Download> create(int width, int height);

  /// The device memory in which kernels write ids, and confidence if dst has
  /// it.
  Mask source(const Mask &dst) const;

  /// Queues the copy of source (dst) to pinned memory.
  Result<> queue(const Mask &dst, cudaStream_t stream) const;

  /// Copies the mask to dst. Wait for the stream of queue() first.
  void finish(const Mask &dst) const;

 private:
  Download(int width, int height) : width_(width), height_(height) {}

  size_t plane_bytes() const { return size_t(width_) * height_; }

  int width_, height_;
  DeviceMemory device_;  // ids, then confidence
  PinnedMemory pinned_;
};

}  // namespace fastscnn::cuda
