// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/frametime.h"

#include <algorithm>
#include <cmath>

#include <gst/video/video.h>

namespace fastscnn
{

FrameTime
time_of (GstBuffer *buffer, const GstSegment &segment)
{
  FrameTime time;

  time.timestamp = GST_BUFFER_PTS (buffer);
  time.duration = GST_BUFFER_DURATION (buffer);
  if (segment.format == GST_FORMAT_TIME) {
    time.stream_time =
        gst_segment_to_stream_time (&segment, GST_FORMAT_TIME, time.timestamp);
    time.running_time =
        gst_segment_to_running_time (&segment, GST_FORMAT_TIME, time.timestamp);
    time.rate = std::abs (segment.rate * segment.applied_rate);
  }
  return time;
}

static GstClockTime
distance (GstClockTime a, GstClockTime b)
{
  return a > b ? a - b : b - a;
}

GstClockTime
time_between (const FrameTime &a, const FrameTime &b)
{
  if (!GST_CLOCK_TIME_IS_VALID (a.running_time) ||
      !GST_CLOCK_TIME_IS_VALID (b.running_time))
    return GST_CLOCK_TIME_NONE;
  const GstClockTime running = distance (a.running_time, b.running_time);
  if (!GST_CLOCK_TIME_IS_VALID (a.stream_time) ||
      !GST_CLOCK_TIME_IS_VALID (b.stream_time))
    return running;
  const gdouble rate = std::max (a.rate, b.rate);
  const GstClockTime stream = distance (a.stream_time, b.stream_time);
  return std::max (
      running, rate == 1.0 ? stream : (GstClockTime)((gdouble)stream / rate));
}

void
copy_time_metas (GstBuffer *to, GstBuffer *from)
{
  GstMetaTransformCopy whole = { FALSE, 0, (gsize)-1 };
  gpointer state = NULL;

  while (GstMeta *meta = gst_buffer_iterate_meta (from, &state))
    if (meta->info->api == GST_VIDEO_TIME_CODE_META_API_TYPE ||
        meta->info->api == GST_REFERENCE_TIMESTAMP_META_API_TYPE)
      meta->info->transform_func (
          to, meta, from, _gst_meta_transform_copy, &whole);
}

} // namespace fastscnn
