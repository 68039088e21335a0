// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// Copies masks from device to host memory: straight to pinned memory, else
/// through a pinned buffer.
class Download {
 public:
  static Result<Download> create(int width, int height);

  /// The device memory in which kernels write ids, and confidence if dst has
  /// it.
  Mask source(const Mask &dst) const;

  /// Queues the copy of source (dst).
  Result<> queue(const Mask &dst, cudaStream_t stream);

  /// Completes the copy to the same dst. Wait for the stream of queue() first.
  void finish(const Mask &dst) const;

 private:
  Download(int width, int height) : width_(width), height_(height) {}

  size_t plane_bytes() const { return size_t(width_) * height_; }

  /// plane: 0: ids; 1: confidence.
  Result<> queue_plane(int plane, uint8_t *dst, int stride,
                       cudaStream_t stream);
  void finish_plane(int plane, uint8_t *dst, int stride) const;

  int width_, height_;
  DeviceMemory device_;  // ids, then confidence
  PinnedMemory pinned_;
  bool direct_[2] = {};  // the plane is copied without pinned_
};

}  // namespace fastscnn::cuda
