/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/overlay/settings.h"

enum {
  PROP_OVERLAY_0,
  PROP_OVERLAY_MODE,
  PROP_OVERLAY_ALPHA,
  PROP_OVERLAY_CLASSES,
  PROP_OVERLAY_CLASS_ALPHA,
  PROP_OVERLAY_PALETTE,
  PROP_OVERLAY_CONTOURS,
  PROP_OVERLAY_CONTOUR_WIDTH,
  PROP_OVERLAY_FEATHER,
  PROP_OVERLAY_BLUR_MARGIN,
  PROP_OVERLAY_ON_MISSING,
  PROP_OVERLAY_SOURCE,
  PROP_OVERLAY_LEGEND,
  PROP_OVERLAY_DRAW_UNKNOWN,
  PROP_OVERLAY_BACKGROUND_COLOR,
  PROP_OVERLAY_MAX_AGE,
  PROP_OVERLAY_ZONES,
};

/* The properties of the element classmaskoverlay: names, ranges, defaults and
 * blurbs. All of them are settings. */
void gst_class_mask_overlay_install_properties (GObjectClass *klass);

/* FALSE if there is no such property. Setting the palette sets its name only.
 */
gboolean gst_class_mask_overlay_set_setting (
    fastscnn::OverlaySettings &settings, guint id, const GValue *value);
gboolean gst_class_mask_overlay_get_setting (
    const fastscnn::OverlaySettings &settings, guint id, GValue *value);
