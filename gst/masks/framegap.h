/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

/* Pushes a GAP event instead of an output for this frame, so that downstream
 * does not wait for one. segment: (nullable) of the frame; gives the time if
 * the frame has no timestamp. */
void push_frame_gap (
    GstPad *srcpad, GstBuffer *frame, const GstSegment *segment);

} // namespace fastscnn
