// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/frametime.h"

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
  }
  return time;
}

GstClockTime
time_between (const FrameTime &a, const FrameTime &b)
{
  if (!GST_CLOCK_TIME_IS_VALID (a.running_time) ||
      !GST_CLOCK_TIME_IS_VALID (b.running_time))
    return GST_CLOCK_TIME_NONE;
  return a.running_time > b.running_time ? a.running_time - b.running_time
                                         : b.running_time - a.running_time;
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
