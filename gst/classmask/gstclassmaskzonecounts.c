/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The zones of a mask, and the pixel counts in each. They are stored with the
 * mask like its pixel counts: see gstclassmaskcounts.c. */

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmaskzones.h"
#include "gst/classmask/gstclassmask-private.h"

typedef struct {
  GstMeta meta;
  GstClassMaskZones *zones;
  GstMemory *memory; /* the counted pixels */
  guint64 *counts;   /* (zones, 256), or NULL */
} ZonesMeta;

static const GstMetaInfo *zones_meta_get_info (void);

static gboolean
zones_meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  memset ((guint8 *)meta + sizeof (GstMeta), 0,
      sizeof (ZonesMeta) - sizeof (GstMeta));
  return TRUE;
}

static void
zones_meta_free (GstMeta *meta, GstBuffer *buffer)
{
  ZonesMeta *self = (ZonesMeta *)meta;

  g_clear_pointer (&self->zones, gst_class_mask_zones_unref);
  g_clear_pointer (&self->memory, gst_memory_unref);
  g_clear_pointer (&self->counts, g_free);
}

static ZonesMeta *
find_zones (GstBuffer *mask)
{
  return (ZonesMeta *)gst_buffer_get_meta (mask, zones_meta_get_info ()->api);
}

static void
store_zones (GstBuffer *mask, GstClassMaskZones *zones, const guint64 *counts)
{
  gsize size = gst_class_mask_zones_get_size (zones) * 256 * sizeof *counts;
  ZonesMeta *meta =
      (ZonesMeta *)gst_buffer_add_meta (mask, zones_meta_get_info (), NULL);

  meta->zones = gst_class_mask_zones_ref (zones);
  if (counts) {
    meta->memory = gst_buffer_get_memory (mask, 0);
    meta->counts = g_memdup2 (counts, size);
  }
}

static gboolean
zones_meta_transform (GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
    GQuark type, gpointer data)
{
  const ZonesMeta *from = (const ZonesMeta *)meta;

  if (!GST_META_TRANSFORM_IS_COPY (type) ||
      ((GstMetaTransformCopy *)data)->region)
    return FALSE;
  store_zones (
      dest, from->zones, gst_buffer_n_memory (dest) == 1 ? from->counts : NULL);
  return TRUE;
}

static const GstMetaInfo *
zones_meta_get_info (void)
{
  static const GstMetaInfo *info = NULL;
  static const gchar *tags[] = { GST_META_TAG_MEMORY_STR, NULL };

  if (g_once_init_enter ((GstMetaInfo **)&info)) {
    const GstMetaInfo *registered = gst_meta_register (
        gst_meta_api_type_register ("GstClassMaskZonesMetaAPI", tags),
        "GstClassMaskZonesMeta", sizeof (ZonesMeta), zones_meta_init,
        zones_meta_free, zones_meta_transform);
    g_once_init_leave ((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

/**
 * gst_class_mask_set_zones: (skip)
 * @mask: a writable mask, that is, before it is attached to a frame
 * @zones: (transfer none) (nullable): its zones; %NULL to remove them
 * @counts: (nullable): for every zone, 256 pixel counts as in
 *     gst_class_mask_set_pixel_counts(); %NULL if they are not known
 *
 * Attaches zones to a mask. Unknown counts are made on demand. The zones are
 * copied with @mask, and dropped when its memory is replaced or a
 * #GstBufferPool takes it back.
 *
 * Returns: %FALSE if @mask is in several memories or, with a warning, not a
 *     valid mask
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_set_zones (
    GstBuffer *mask, GstClassMaskZones *zones, const guint64 *counts)
{
  ZonesMeta *stored;

  g_return_val_if_fail (GST_IS_BUFFER (mask), FALSE);
  g_return_val_if_fail (gst_buffer_is_writable (mask), FALSE);

  if (zones && (!gst_class_mask_check_image (mask, NULL, NULL) ||
                   gst_buffer_n_memory (mask) != 1))
    return FALSE;
  stored = find_zones (mask);
  if (stored)
    gst_buffer_remove_meta (mask, &stored->meta);
  if (zones)
    store_zones (mask, zones, counts);
  return TRUE;
}

/**
 * gst_class_mask_meta_get_zones:
 * @meta: a mask
 *
 * Gets the zones of a mask. Their points are fractions of the rectangle of the
 * frame that the mask covers.
 *
 * Returns: (transfer none) (nullable): the zones, or %NULL if it has none
 *
 * Since: 0.1
 */
GstClassMaskZones *
gst_class_mask_meta_get_zones (const GstClassMaskMeta *meta)
{
  const ZonesMeta *stored;

  g_return_val_if_fail (meta != NULL, NULL);

  stored = meta->mask ? find_zones (meta->mask) : NULL;
  return stored ? stored->zones : NULL;
}

gboolean
gst_class_mask_meta_count_zones_in (const GstClassMaskMeta *meta,
    const GstVideoRectangle *part, guint64 *counts)
{
  GstClassMaskZones *zones = gst_class_mask_meta_get_zones (meta);
  guint32 zones_of_area[256];
  guint n_areas, n_zones = gst_class_mask_zones_get_size (zones);
  guint64 *of_areas;
  const guint8 *areas;
  GstVideoFrame frame;
  GBytes *bytes;
  guint width, height;

  if (!gst_class_mask_meta_get_size (meta, &width, &height))
    return FALSE;
  bytes = gst_class_mask_zones_get_areas (
      zones, width, height, zones_of_area, &n_areas);
  if (!bytes)
    return FALSE;
  if (!gst_class_mask_meta_map (meta, &frame)) {
    g_bytes_unref (bytes);
    return FALSE;
  }
  areas = g_bytes_get_data (bytes, NULL);
  of_areas = g_new0 (guint64, (gsize)n_areas * 256);
  for (gint y = part->y; y < part->y + part->h; y++) {
    const guint8 *row = (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) +
                        (gsize)y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
    const guint8 *area = areas + (gsize)y * width;
    for (gint x = part->x; x < part->x + part->w; x++)
      of_areas[area[x] * 256 + row[x]]++;
  }
  gst_video_frame_unmap (&frame);
  g_bytes_unref (bytes);

  memset (counts, 0, n_zones * 256 * sizeof *counts);
  for (guint a = 0; a < n_areas; a++)
    for (guint z = 0; z < n_zones; z++)
      for (guint id = 0; id < 256 && (zones_of_area[a] >> z & 1); id++)
        counts[z * 256 + id] += of_areas[a * 256 + id];
  g_free (of_areas);
  return TRUE;
}

/**
 * gst_class_mask_meta_count_zone: (skip)
 * @meta: a mask
 * @zone: the number of one of its zones, from 0
 * @counts: (out caller-allocates): for every value, the number of pixels in the
 *     zone that have it
 *
 * Does the same as gst_class_mask_meta_count_pixels(), for one zone. Reads the
 * mask unless its producer stored the counts.
 *
 * Returns: %FALSE if there is no such zone or, with a warning, if the mask
 *     cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_count_zone (
    const GstClassMaskMeta *meta, guint zone, guint64 counts[256])
{
  GstClassMaskZones *zones;
  const ZonesMeta *stored;
  GstVideoRectangle all = { 0 };
  guint width, height;
  guint64 *counted;
  gboolean ok;

  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (counts != NULL, FALSE);

  zones = gst_class_mask_meta_get_zones (meta);
  if (!zones || zone >= gst_class_mask_zones_get_size (zones) ||
      !gst_class_mask_meta_get_size (meta, &width, &height))
    return FALSE;
  stored = find_zones (meta->mask);
  if (stored->counts &&
      stored->memory == gst_buffer_peek_memory (meta->mask, 0)) {
    memcpy (counts, stored->counts + zone * 256, 256 * sizeof *counts);
    return TRUE;
  }
  all.w = (gint)width;
  all.h = (gint)height;
  counted = g_new (guint64, gst_class_mask_zones_get_size (zones) * 256);
  ok = gst_class_mask_meta_count_zones_in (meta, &all, counted);
  if (ok)
    memcpy (counts, counted + zone * 256, 256 * sizeof *counts);
  g_free (counted);
  return ok;
}

/**
 * gst_class_mask_meta_get_zone_areas:
 * @meta: a mask
 * @zone: the number of one of its zones, from 0
 *
 * Does the same as gst_class_mask_meta_count_zone(), for languages without
 * fixed-size arrays.
 *
 * Returns: (transfer full) (element-type guint64) (nullable): 256 pixel counts,
 *     or %NULL if there is no such zone or, with a warning, if the mask cannot
 *     be read
 *
 * Since: 0.1
 */
GArray *
gst_class_mask_meta_get_zone_areas (const GstClassMaskMeta *meta, guint zone)
{
  guint64 counts[256];
  GArray *areas;

  if (!gst_class_mask_meta_count_zone (meta, zone, counts))
    return NULL;
  areas = g_array_sized_new (FALSE, FALSE, sizeof *counts, 256);
  return g_array_append_vals (areas, counts, 256);
}
