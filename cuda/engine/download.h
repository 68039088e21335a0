// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// Carries masks from the device to host memory.
class Download {
 public:
  static Result<Download> create(int width, int height);

  /// Where a kernel on stream may write the mask; dst's confidence is wanted
  /// if it is not null.
  Result<Mask> begin(const Mask &dst, cudaStream_t stream);

  /// Queues the copy of that mask, behind what was queued on stream.
  Result<> queue(cudaStream_t stream);

  /// Blocks until dst of the last begin() holds the mask.
  Result<> finish();

  /// From here on dst may be gone.
  void abandon() { pending_ = false; }

 private:
  Download(int width, int height) : width_(width), height_(height) {}

  size_t plane_bytes() const { return size_t(width_) * height_; }

  int width_, height_;
  DeviceMemory device_;  // ids, then confidence
  PinnedMemory pinned_;
  Stream stream_;
  Event written_, copied_;
  Mask dst_;
  bool pending_ = false;
};

}  // namespace fastscnn::cuda
