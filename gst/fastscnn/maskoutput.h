/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/classmask/gstclassmaskmeta.h>

#include "gst/fastscnn/segmenter.h"

/* Attaches a finished mask, and its summary, to a frame that is `age` younger
 * than the one that it was made from. */
GstClassMaskMeta *gst_fast_scnn_attach_mask (GstBuffer *buffer,
    const fastscnn::Segmentation &mask, GstClockTime age, GQuark source);
