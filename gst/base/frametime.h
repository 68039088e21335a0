// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

/// When a frame is presented. GST_CLOCK_TIME_NONE where it is not known.
struct FrameTime {
  GstClockTime timestamp = GST_CLOCK_TIME_NONE;
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  GstClockTime stream_time = GST_CLOCK_TIME_NONE;
  GstClockTime running_time = GST_CLOCK_TIME_NONE;
  gdouble rate = 1.0; ///< stream time per running time, never negative
};

FrameTime time_of (GstBuffer *buffer, const GstSegment &segment);

/// The running time between two frames, or GST_CLOCK_TIME_NONE if it is not
/// known. If they are further apart in stream time, as after a seek without a
/// flush, the time that this distance takes.
GstClockTime time_between (const FrameTime &a, const FrameTime &b);

/// Copies what says when a frame was taken: its time codes and reference
/// timestamps.
void copy_time_metas (GstBuffer *to, GstBuffer *from);

} // namespace fastscnn
