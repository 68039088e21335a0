/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "gst/base/gstframefilter.h"

G_BEGIN_DECLS

#define GST_TYPE_CLASS_MASK_OVERLAY (gst_class_mask_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstClassMaskOverlay, gst_class_mask_overlay, GST,
    CLASS_MASK_OVERLAY, GstFrameFilter)

GST_ELEMENT_REGISTER_DECLARE (classmaskoverlay)

G_END_DECLS
