// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/frame.h"

namespace fastscnn::cuda {

/// Copies frames from host to device memory through a pinned buffer.
class Upload {
 public:
  /// info: of frames in host memory.
  static Result<Upload> create(const FrameInfo &info);

  /// Queues the copy of src and returns the frame on the device. Wait for
  /// stream before the next call: it writes the same buffers.
  Result<ConstFrame> queue(const ConstFrame &src, cudaStream_t stream);

 private:
  explicit Upload(const FrameInfo &info) : info_(info) {}

  FrameInfo info_;
  size_t offset_[kMaxPlanes] = {};
  PinnedMemory pinned_;
  DeviceMemory device_;
};

}  // namespace fastscnn::cuda
