/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Whether an element upstream rotates the video as its tags say, like videoflip
 * video-direction=auto. Its tags do not tell: GStreamer 1.22 passes them on
 * unchanged. */
gboolean gst_fast_scnn_is_turned_upstream (GstElement *element);
