/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/fastscnn/qostracker.h"
#include "gst/fastscnn/segmenter.h"

/* What the element tells the application. The documentation of fastscnn says
 * what is in the messages. */

/* A mask is finished: `classmask`. */
void gst_fast_scnn_post_mask (
    GstElement *element, const fastscnn::Segmentation &mask);

/* Another engine goes on: a warning and `fastscnn-fallback`. */
void gst_fast_scnn_post_fallback (GstElement *element,
    const fastscnn::Segmenter &segmenter, const gchar *reason);

/* A frame was too late to be looked at: QOS. inferred, late: frames so far. */
void gst_fast_scnn_post_late (GstElement *element,
    const fastscnn::FrameTime &time, const fastscnn::Lateness::Report &report,
    gboolean live, guint64 inferred, guint64 late);
