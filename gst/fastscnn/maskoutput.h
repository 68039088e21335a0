/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/fastscnn/segmenter.h"

/* How a finished mask leaves the element. */

/* Attaches it, and its summary, to a frame that is `age` younger. */
void gst_fast_scnn_attach_mask (GstBuffer *buffer,
    const fastscnn::Segmentation &mask, GstClockTime age, GQuark source);

/* What is posted about it; (transfer full). */
GstStructure *gst_fast_scnn_describe_mask (const fastscnn::Segmentation &mask);
