// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

namespace fastscnn
{

struct UnrefBuffer {
  void
  operator() (GstBuffer *buffer) const
  {
    gst_buffer_unref (buffer);
  }
};
using BufferPtr = std::unique_ptr<GstBuffer, UnrefBuffer>;

/// A pool of masks of one size, which grows as needed. A mask returns to it
/// when its last reference is dropped.
class MaskPool
{
public:
  /// allocator: (nullable) for other than system memory; a reference is kept.
  MaskPool (int width, int height, GstAllocator *allocator);
  ~MaskPool ();
  MaskPool (const MaskPool &) = delete;
  MaskPool &operator= (const MaskPool &) = delete;

  /// A GRAY8 image with a GstVideoMeta, without row padding, contents
  /// undefined; null if there is no memory.
  BufferPtr acquire ();

private:
  int width_;
  int height_;
  GstBufferPool *pool_;
};

} // namespace fastscnn
