// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/video/video.h>

#include "net/frame.h"

namespace fastscnn
{

/// A part of a frame, in pixels.
struct Rect {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// What the core needs to know about frames of this kind (host memory) of which
/// `part` is looked at. A part that starts inside a block of subsampled pixels
/// moves the origin of those components.
FrameInfo describe_frame (const GstVideoInfo &info, const Rect &part);

/// Pointers and strides of that part of a mapped frame.
Frame view_frame (const GstVideoFrame &frame, const Rect &part);

/// Whether the buffer's GstVideoMeta, if it has one, describes frames as the
/// caps do, or larger ones.
bool agrees (GstBuffer *buffer, const GstVideoInfo &caps_info);

/// Whether every row of the view lies in the memory that was mapped (in host
/// memory), whatever the GstVideoMeta of its buffer says.
bool is_inside (
    const GstVideoFrame &frame, const Frame &view, const FrameInfo &info);

/// The part of the buffer's frame that its GstVideoCropMeta shows, clipped to
/// the frame; without such a meta, as much of the frame as the caps promise.
/// Empty if nothing is left.
Rect visible_part (GstBuffer *buffer, const GstVideoInfo &caps_info);

} // namespace fastscnn
