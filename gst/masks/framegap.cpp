/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/masks/framegap.h"

namespace fastscnn
{

void
push_frame_gap (GstPad *srcpad, GstBuffer *frame, const GstSegment *segment)
{
  GstClockTime time = GST_BUFFER_PTS (frame);

  if (!GST_CLOCK_TIME_IS_VALID (time))
    time = GST_BUFFER_DTS (frame);
  if (!GST_CLOCK_TIME_IS_VALID (time) && segment &&
      segment->format == GST_FORMAT_TIME)
    time = GST_CLOCK_TIME_IS_VALID (segment->position) ? segment->position
                                                       : segment->start;
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_pad_push_event (
        srcpad, gst_event_new_gap (time, GST_BUFFER_DURATION (frame)));
}

} // namespace fastscnn
