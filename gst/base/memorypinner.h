// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "net/backend.h"

namespace fastscnn
{

/// Pins memory that upstream uses for one frame after another, such as that of
/// a pool of its own, so that a GPU reads it without a copy by the CPU.
class MemoryPinner
{
public:
  MemoryPinner (Backend *backend, const Device &device)
      : backend_ (backend), device_ (device)
  {
  }

  /// Call with each frame before the GPU reads it. Memory is pinned when it
  /// comes with the third frame, once for all elements and devices, until it is
  /// freed. Nearly free before and after.
  void see (GstBuffer *frame) const;

private:
  Backend *backend_;
  Device device_;
};

} // namespace fastscnn
