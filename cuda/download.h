// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// Carries masks from the device to host memory.
class Download {
 public:
  Download(int width, int height);

  /// Where a kernel on stream may write the mask; dst's confidence is wanted
  /// if it is not null.
  Mask begin(const Mask &dst, cudaStream_t stream);

  /// Queues the copy of that mask, behind what was queued on stream.
  void queue(cudaStream_t stream);

  /// Blocks until dst of the last begin() holds the mask.
  void finish();

 private:
  size_t plane_bytes() const { return size_t(width_) * height_; }

  const int width_, height_;
  DeviceMemory device_;  // ids, then confidence
  PinnedMemory pinned_;
  Stream stream_;
  Event written_, copied_;
  Mask dst_;
  bool pending_ = false;
};

}  // namespace fastscnn::cuda
