// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include "net/backend.h"

namespace fastscnn
{

/// Pins memory that upstream reuses for successive frames, such as that of its
/// own pool, so that a GPU reads it without a copy by the CPU.
class MemoryPinner
{
public:
  MemoryPinner (Backend *backend, const Device &device)
      : backend_ (backend), device_ (device)
  {
  }

  /// Call with each frame before the GPU reads it. Pins memory with the third
  /// frame that uses it, once for all elements and devices, until it is freed.
  /// With other frames, the call costs next to nothing.
  void see (GstBuffer *frame) const;

private:
  Backend *backend_;
  Device device_;
};

} // namespace fastscnn
