// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "net/frame.h"

namespace fastscnn::cuda {

/// Carries frames of host memory to the device, as they are, through pinned
/// memory of which there is one more than frames on their way.
class Upload {
 public:
  /// For frames of host memory; allocates.
  static Result<Upload> create(const FrameInfo &info);

  /// Queues the copy of src, which may change when this returns. The result
  /// lies on the device and is valid for work queued before the next call.
  Result<ConstFrame> queue(const ConstFrame &src, cudaStream_t stream);

 private:
  explicit Upload(const FrameInfo &info) : info_(info) {}

  struct Staging {
    PinnedMemory memory;
    Event free;
  };

  FrameInfo info_;
  size_t offset_[kMaxPlanes] = {};
  size_t bytes_ = 0;
  Staging staging_[2];
  int next_ = 0;
  DeviceMemory device_;
};

}  // namespace fastscnn::cuda
