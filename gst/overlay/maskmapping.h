// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/gstclassmaskmeta.h>
#include <gst/video/video.h>

#include "gst/base/frameview.h"
#include "net/painter.h"

namespace fastscnn
{

/// The error for a mask that cannot be mapped.
Error unreadable_mask ();

/// Maps a mask for reading for a scope: on the GPU if it is in memory of
/// cuda_context (a CUcontext or null), otherwise in host memory.
class MaskMapping
{
public:
  MaskMapping (const GstClassMaskMeta *meta, gpointer cuda_context);
  ~MaskMapping ();
  MaskMapping (const MaskMapping &) = delete;
  MaskMapping &operator= (const MaskMapping &) = delete;

  /// The mask for a painter of this part of the frame; an Error if the mask
  /// could not be mapped.
  Result<PaintMask> place (const Rect &part) const;

private:
  bool map (gpointer cuda_context);

  const GstClassMaskMeta *meta_;
  GstVideoFrame frame_;
  Memory memory_ = Memory::kHost;
  const bool mapped_;
};

} // namespace fastscnn
