// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

/// When a frame is presented. Unknown times are GST_CLOCK_TIME_NONE.
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
/// flush, returns the running time that it takes to play that distance.
GstClockTime time_between (const FrameTime &a, const FrameTime &b);

/// Copies the time codes and reference timestamps, which say when a frame was
/// captured.
void copy_time_metas (GstBuffer *to, GstBuffer *from);

} // namespace fastscnn
