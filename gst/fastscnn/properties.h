/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "gst/fastscnn/settings.h"

/* The properties of the element fastscnn: names, ranges, defaults and blurbs.
 */
enum {
  PROP_0,
  PROP_MODEL_FILE,
  PROP_BACKEND,
  PROP_CUDA_DEVICE_ID,
  PROP_THREADS,
  PROP_PRECISION,
  PROP_INFER_WIDTH,
  PROP_INFER_HEIGHT,
  PROP_MASK_SIZE,
  PROP_FUSED,
  PROP_INTERVAL,
  PROP_ASYNC,
  PROP_QOS,
  PROP_SMOOTHING,
  PROP_CONFIDENCE_THRESHOLD,
  PROP_CONFIDENCE_MAP,
  PROP_POST_MESSAGES,
  PROP_ANALYTICS_META,
  PROP_ZONES,
  PROP_STATS,
};

void gst_fast_scnn_install_properties (GObjectClass *klass);

/* FALSE if `id` is not a setting. */
gboolean gst_fast_scnn_set_setting (
    fastscnn::Settings &settings, guint id, const GValue *value);
gboolean gst_fast_scnn_get_setting (
    const fastscnn::Settings &settings, guint id, GValue *value);
