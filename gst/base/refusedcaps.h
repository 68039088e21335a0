/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

constexpr int kMinFrameSize = 16;
constexpr int kMaxFrameSize = 8192;

/* Call from init. Posts a warning that names the caps and the remedy whenever
 * the sink pad refuses caps. GStreamer itself only says that the stream was not
 * negotiated. */
void explain_refused_caps (GstElement *element, GstPad *sinkpad);

/* Posts the error about data that arrives without caps. */
void post_missing_caps (GstElement *element);

} // namespace fastscnn
