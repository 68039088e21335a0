// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

#include "net/error.h"

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

/// Makes masks, and takes their memory back when the last reference to one is
/// dropped, wherever that happens. Never runs dry.
class MaskPool
{
public:
  /// allocator: (nullable), for memory other than the system's; kept.
  MaskPool (int width, int height, GstAllocator *allocator);
  ~MaskPool ();
  MaskPool (const MaskPool &) = delete;
  MaskPool &operator= (const MaskPool &) = delete;

  /// GRAY8 with a GstVideoMeta, rows without gaps, contents undefined.
  Result<BufferPtr> acquire ();

private:
  int width_;
  int height_;
  GstBufferPool *pool_;
};

} // namespace fastscnn
