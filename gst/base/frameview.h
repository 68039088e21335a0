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

inline bool
operator== (const Rect &a, const Rect &b)
{
  return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

/// Describes `part` of frames of this kind, in host memory, for engines and
/// painters. If the part begins inside a block of subsampled pixels, the
/// origin of the subsampled components moves accordingly.
FrameInfo describe_frame (const GstVideoInfo &info, const Rect &part);

/// Pointers to and strides of that part of a mapped frame.
Frame view_frame (const GstVideoFrame &frame, const Rect &part);

/// Whether the buffer has no GstVideoMeta, or one with the format of the caps
/// and at least their size.
bool matches_caps (GstBuffer *buffer, const GstVideoInfo &caps_info);

/// Whether every row of the view lies in mapped host memory, no matter what
/// the GstVideoMeta of the buffer says.
bool is_inside (
    const GstVideoFrame &frame, const Frame &view, const FrameInfo &info);

/// The size of the buffer's frame without its crop: that of its GstVideoMeta if
/// it has a crop and matches the caps, otherwise that of the caps.
Rect whole_frame (GstBuffer *buffer, const GstVideoInfo &caps_info);

/// The rectangle of the buffer's GstVideoCropMeta, clipped to the frame, or
/// the size of the caps if there is no such meta. Empty if nothing is left.
Rect visible_part (GstBuffer *buffer, const GstVideoInfo &caps_info);

} // namespace fastscnn
