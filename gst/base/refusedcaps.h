/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

constexpr int kMinFrameSize = 16;
constexpr int kMaxFrameSize = 8192;

/* For init: posts a warning whenever the sink pad refuses caps, which names
 * them and the remedy. GStreamer itself only says that the stream was not
 * negotiated. */
void explain_refused_caps (GstElement *element, GstPad *sinkpad);

/* Posts the warning about data that arrives without caps. */
void warn_about_missing_caps (GstElement *element);

} // namespace fastscnn
