// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/frame.h"

namespace fastscnn::cuda {

/// Copies frames from host to device memory: straight from pinned memory, else
/// through a pinned buffer, in pieces.
class Upload {
 public:
  /// info: must describe frames in host memory.
  static Result<Upload> create(const FrameInfo &info);

  /// Queues the copy of src and returns the frame on the device. Wait for
  /// stream before the next call, which writes the same buffers, and before src
  /// is changed.
  Result<ConstFrame> queue(const ConstFrame &src, cudaStream_t stream);

 private:
  explicit Upload(const FrameInfo &info) : info_(info) {}

  Result<bool> is_sendable(const ConstFrame &src, int p) const;
  Result<> send(const ConstFrame &src, int p, uint8_t *device,
                cudaStream_t stream) const;
  Result<> copy(const ConstFrame &src, int p, uint8_t *device,
                cudaStream_t stream) const;

  FrameInfo info_;
  size_t offset_[kMaxPlanes] = {};
  PinnedMemory pinned_;
  DeviceMemory device_;
};

}  // namespace fastscnn::cuda
