/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmask-private.h"

/* Pixel counts that are stored with a mask. The tag "memory" makes GStreamer
 * drop them unless it copies the whole mask. Pools drop them when they take the
 * mask back. */
typedef struct {
  GstMeta meta;
  GstMemory *memory; /* the counted pixels; other memory is counted again */
  guint width;
  guint height;
  guint64 counts[256];
} CountsMeta;

static const GstMetaInfo *counts_meta_get_info (void);

static gboolean
counts_meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  ((CountsMeta *)meta)->memory = NULL;
  return TRUE;
}

static void
counts_meta_free (GstMeta *meta, GstBuffer *buffer)
{
  g_clear_pointer (&((CountsMeta *)meta)->memory, gst_memory_unref);
}

static CountsMeta *
find_counts (GstBuffer *mask)
{
  return (CountsMeta *)gst_buffer_get_meta (mask, counts_meta_get_info ()->api);
}

static void
store_counts (
    GstBuffer *mask, guint width, guint height, const guint64 counts[256])
{
  CountsMeta *meta = find_counts (mask);

  if (!meta)
    meta =
        (CountsMeta *)gst_buffer_add_meta (mask, counts_meta_get_info (), NULL);
  if (meta->memory)
    gst_memory_unref (meta->memory);
  meta->memory = gst_buffer_get_memory (mask, 0);
  meta->width = width;
  meta->height = height;
  memcpy (meta->counts, counts, sizeof meta->counts);
}

static gboolean
counts_meta_transform (GstBuffer *dest, GstMeta *meta, GstBuffer *buffer,
    GQuark type, gpointer data)
{
  const CountsMeta *from = (const CountsMeta *)meta;

  if (!GST_META_TRANSFORM_IS_COPY (type) ||
      ((GstMetaTransformCopy *)data)->region || gst_buffer_n_memory (dest) != 1)
    return FALSE;
  store_counts (dest, from->width, from->height, from->counts);
  return TRUE;
}

static const GstMetaInfo *
counts_meta_get_info (void)
{
  static const GstMetaInfo *info = NULL;
  static const gchar *tags[] = { GST_META_TAG_MEMORY_STR, NULL };

  if (g_once_init_enter ((GstMetaInfo **)&info)) {
    const GstMetaInfo *registered = gst_meta_register (
        gst_meta_api_type_register ("GstClassMaskCountsMetaAPI", tags),
        "GstClassMaskCountsMeta", sizeof (CountsMeta), counts_meta_init,
        counts_meta_free, counts_meta_transform);
    g_once_init_leave ((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

/**
 * gst_class_mask_set_pixel_counts:
 * @mask: a writable mask, that is, before it is attached to a frame
 * @counts: (array fixed-size=256) (nullable): for every value, the number of
 *     pixels that have it; %NULL to remove stored counts
 *
 * Stores the pixel counts of a mask with the mask, for a producer that knows
 * them. gst_class_mask_meta_count_pixels() then returns them instead of reading
 * the mask, which saves a download if the mask is in GPU memory.
 *
 * The counts are copied with @mask, and dropped when its memory is replaced or
 * a #GstBufferPool takes it back. If you write to the pixels in place, call
 * this function again.
 *
 * Returns: %FALSE, with a warning, if @mask is not a valid mask in one memory
 *     or @counts do not add up to its number of pixels
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_set_pixel_counts (GstBuffer *mask, const guint64 counts[256])
{
  guint width, height;
  guint64 total = 0;

  g_return_val_if_fail (GST_IS_BUFFER (mask), FALSE);
  g_return_val_if_fail (gst_buffer_is_writable (mask), FALSE);

  if (!counts) {
    CountsMeta *stored = find_counts (mask);
    if (stored)
      gst_buffer_remove_meta (mask, &stored->meta);
    return TRUE;
  }
  if (!gst_class_mask_check_image (mask, &width, &height))
    return FALSE;
  for (guint id = 0; id < 256; id++)
    total += counts[id];
  if (total != (guint64)width * height || gst_buffer_n_memory (mask) != 1) {
    GST_WARNING ("%" G_GUINT64_FORMAT " counted pixels and %u memories do not "
                 "match a mask of %ux%u",
        total, gst_buffer_n_memory (mask), width, height);
    return FALSE;
  }
  store_counts (mask, width, height, counts);
  return TRUE;
}

/* Compares eight pixels at a time, since neighbours are mostly equal. */
static void
count_row (const guint8 *row, guint width, guint64 *counts)
{
  guint i = 0;

  while (i < width) {
    guint begin = i++;
    guint8 id = row[begin];
    guint64 eight, same = id * G_GUINT64_CONSTANT (0x0101010101010101);

    while (i + 8 <= width) {
      memcpy (&eight, row + i, 8);
      if (eight != same)
        break;
      i += 8;
    }
    while (i < width && row[i] == id)
      i++;
    counts[id] += i - begin;
  }
}

/**
 * gst_class_mask_meta_count_pixels: (skip)
 * @meta: a mask
 * @counts: (out caller-allocates): for every value, the number of pixels of the
 *     mask that have it
 *
 * Gives the area of each class in pixels of the mask; divide it by the sum of
 * all counts to get the fraction of the class. Reads the mask once, or not at
 * all if its producer called gst_class_mask_set_pixel_counts().
 *
 * Returns: %FALSE, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_count_pixels (
    const GstClassMaskMeta *meta, guint64 counts[256])
{
  const CountsMeta *stored;
  GstVideoFrame frame;
  const guint8 *row;
  guint width, height;

  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (counts != NULL, FALSE);

  if (!gst_class_mask_meta_get_size (meta, &width, &height))
    return FALSE;
  stored = find_counts (meta->mask);
  if (stored && stored->width == width && stored->height == height &&
      stored->memory == gst_buffer_peek_memory (meta->mask, 0)) {
    memcpy (counts, stored->counts, sizeof stored->counts);
    return TRUE;
  }
  if (!gst_class_mask_meta_map (meta, &frame))
    return FALSE;
  memset (counts, 0, 256 * sizeof *counts);
  row = GST_VIDEO_FRAME_PLANE_DATA (&frame, 0);
  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (&frame); y++) {
    count_row (row, GST_VIDEO_FRAME_WIDTH (&frame), counts);
    row += GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  }
  gst_video_frame_unmap (&frame);
  return TRUE;
}

/* `size` mask pixels cover `covered` frame pixels from `begin` on. Returns the
 * first mask pixel inside a frame of `frame` pixels; n: the number of them. */
static guint
visible_pixels (guint size, gint begin, guint covered, gint frame, guint *n)
{
  guint64 left = (guint64)CLAMP (-(gint64)begin, 0, (gint64)covered);
  guint64 right = (guint64)CLAMP ((gint64)frame - begin, 0, (gint64)covered);
  guint64 first = left * size / covered;

  *n = left < right
           ? (guint)(gst_util_uint64_scale_ceil (right, size, covered) - first)
           : 0;
  return (guint)first;
}

gboolean
gst_class_mask_meta_get_visible (const GstClassMaskMeta *meta, gint frame_width,
    gint frame_height, GstVideoRectangle *part)
{
  guint width, height;

  if (meta->width < 1 || meta->height < 1 ||
      !gst_class_mask_meta_get_size (meta, &width, &height))
    return FALSE;
  part->x =
      (gint)visible_pixels (width, meta->x, meta->width, frame_width, &width);
  part->y = (gint)visible_pixels (
      height, meta->y, meta->height, frame_height, &height);
  part->w = (gint)width;
  part->h = (gint)height;
  return TRUE;
}

gboolean
gst_class_mask_meta_count_part (const GstClassMaskMeta *meta,
    const GstVideoRectangle *part, guint64 counts[256])
{
  GstVideoFrame frame;
  const guint8 *row;

  if (!gst_class_mask_meta_map (meta, &frame))
    return FALSE;
  memset (counts, 0, 256 * sizeof *counts);
  row = (const guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&frame, 0) + part->x +
        (gsize)part->y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  for (gint y = 0; y < part->h; y++) {
    count_row (row, (guint)part->w, counts);
    row += GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  }
  gst_video_frame_unmap (&frame);
  return TRUE;
}

/**
 * gst_class_mask_meta_get_areas:
 * @meta: a mask
 *
 * Does the same as gst_class_mask_meta_count_pixels(), for languages without
 * fixed-size arrays.
 *
 * Returns: (transfer full) (element-type guint64) (nullable): 256 pixel counts,
 *     or %NULL, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
GArray *
gst_class_mask_meta_get_areas (const GstClassMaskMeta *meta)
{
  guint64 counts[256];
  GArray *areas;

  if (!gst_class_mask_meta_count_pixels (meta, counts))
    return NULL;
  areas = g_array_sized_new (FALSE, FALSE, sizeof *counts, 256);
  return g_array_append_vals (areas, counts, 256);
}
