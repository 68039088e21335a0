/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Whether an element upstream turns the video as its tags say, like videoflip
 * video-direction=auto. GStreamer 1.22 passes the tags on as they were. */
gboolean gst_fast_scnn_is_turned_upstream (GstElement *element);
