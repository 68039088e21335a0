/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/classmask-prelude.h>
#include <gst/classmask/gstclassmaskmeta.h>

G_BEGIN_DECLS

/**
 * GST_CLASS_MASK_MAX_ZONES:
 *
 * The largest number of zones of a mask.
 *
 * Since: 0.1
 */
#define GST_CLASS_MASK_MAX_ZONES 32

#define GST_TYPE_CLASS_MASK_ZONES (gst_class_mask_zones_get_type ())

/**
 * GstClassMaskZones:
 *
 * Named parts of a mask, such as "gate" or "left lane". Each consists of one or
 * more polygons. Their points are fractions of the width and the height of the
 * mask, from 0 to 1, so they move with it. Zones may overlap. A pixel belongs
 * to a zone if its centre lies in one of the polygons by the even-odd rule.
 * Zones are reference-counted, and immutable once a mask has them; all masks of
 * a stream share them.
 *
 * Since: 0.1
 */
typedef struct _GstClassMaskZones GstClassMaskZones;

GST_CLASS_MASK_API
GType gst_class_mask_zones_get_type (void);

GST_CLASS_MASK_API
GstClassMaskZones *gst_class_mask_zones_new (void);

GST_CLASS_MASK_API
GstClassMaskZones *gst_class_mask_zones_ref (GstClassMaskZones *zones);

GST_CLASS_MASK_API
void gst_class_mask_zones_unref (GstClassMaskZones *zones);

GST_CLASS_MASK_API
gboolean gst_class_mask_zones_add_polygon (GstClassMaskZones *zones,
    const gchar *name, const gdouble *points, guint n_points);

GST_CLASS_MASK_API
guint gst_class_mask_zones_get_size (const GstClassMaskZones *zones);

GST_CLASS_MASK_API
const gchar *gst_class_mask_zones_get_name (
    const GstClassMaskZones *zones, guint zone);

GST_CLASS_MASK_API
const gdouble *gst_class_mask_zones_get_polygon (
    const GstClassMaskZones *zones, guint zone, guint polygon, guint *n_points);

GST_CLASS_MASK_API
GBytes *gst_class_mask_zones_get_areas (GstClassMaskZones *zones, guint width,
    guint height, guint32 zones_of_area[256], guint *n_areas);

GST_CLASS_MASK_API
gboolean gst_class_mask_set_zones (
    GstBuffer *mask, GstClassMaskZones *zones, const guint64 *counts);

GST_CLASS_MASK_API
GstClassMaskZones *gst_class_mask_meta_get_zones (const GstClassMaskMeta *meta);

GST_CLASS_MASK_API
gboolean gst_class_mask_meta_count_zone (
    const GstClassMaskMeta *meta, guint zone, guint64 counts[256]);

GST_CLASS_MASK_API
GArray *gst_class_mask_meta_get_zone_areas (
    const GstClassMaskMeta *meta, guint zone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstClassMaskZones, gst_class_mask_zones_unref)

G_END_DECLS
