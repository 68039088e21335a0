/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/base/gstframefilter.h"

G_BEGIN_DECLS

#define GST_TYPE_FAST_SCNN (gst_fast_scnn_get_type ())
G_DECLARE_FINAL_TYPE (
    GstFastScnn, gst_fast_scnn, GST, FAST_SCNN, GstFrameFilter)

GST_ELEMENT_REGISTER_DECLARE (fastscnn);

G_END_DECLS
