/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

/* Pushes a GAP event in place of an output for this frame, so that nobody
 * downstream waits for one. segment: (nullable) of the frame, for one without a
 * timestamp. */
void push_frame_gap (
    GstPad *srcpad, GstBuffer *frame, const GstSegment *segment);

} // namespace fastscnn
