/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/fastscnn/qostracker.h"
#include "gst/fastscnn/segmenter.h"

/* Messages to the application. The documentation of the element lists their
 * fields. */

/* Posts the element message `classmask` for a finished mask. */
void gst_fast_scnn_post_mask (
    GstElement *element, const fastscnn::Segmentation &mask);

/* Posts a warning and the element message `fastscnn-fallback` after the CPU has
 * replaced the GPU. */
void gst_fast_scnn_post_fallback (GstElement *element,
    const fastscnn::Segmenter &segmenter, const gchar *reason);

/* Posts the element message `fastscnn-model` after the model in this file has
 * taken over. */
void gst_fast_scnn_post_model (GstElement *element, const std::string &file,
    const fastscnn::Segmenter &segmenter);

/* Posts a warning after a model could not be loaded. */
void gst_fast_scnn_warn_model_kept (
    GstElement *element, const fastscnn::Error &error);

/* Posts a warning if the tags say that frames must be rotated for display and
 * no element upstream does that: the network does not recognise rotated
 * streets. Returns whether it did. */
gboolean gst_fast_scnn_warn_if_turned (GstElement *element, GstEvent *tags);

/* Posts a QOS message for a frame that was too late for an inference. inferred,
 * late: totals of the stream. */
void gst_fast_scnn_post_qos (GstElement *element,
    const fastscnn::FrameTime &time, const fastscnn::QosTracker::Report &report,
    gboolean live, guint64 inferred, guint64 late);
