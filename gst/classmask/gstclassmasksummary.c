/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmasksummary
 * @title: ClassMaskSummary
 * @short_description: class fractions, readable without this library
 *
 * A #GstCustomMeta named %GST_CLASS_MASK_SUMMARY_META_NAME. Any language with
 * GStreamer bindings can read it without bindings of this library. Its fields:
 *
 * * `model`, string: the name of the model
 * * `source`, string: the name of the element that made the mask
 * * `age`, guint64: the age of the mask in nanoseconds
 * * `labels`, GST_TYPE_ARRAY of strings: the classes in view, in the order of
 *   their ids
 * * `fractions`, GST_TYPE_ARRAY of doubles: the fraction of the pixels of the
 *   mask that belongs to each of these classes
 * * `unknown`, double: the fraction of pixels whose class is not known
 * * `zones`, GST_TYPE_ARRAY of structures, if the mask has #GstClassMaskZones:
 *   for each, `name`, and `labels`, `fractions` and `unknown` as above, of the
 *   pixels of the zone
 *
 * The summary is kept and dropped with its mask. If an element cuts away part
 * of the mask, the fractions are those of the rest.
 */

#include "gst/classmask/gstclassmasksummary.h"
#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmaskzones.h"
#include "gst/classmask/gstclassmask-private.h"

static void
copy_summary (GstBuffer *dest, GstStructure *from)
{
  GstStructure *to = gst_custom_meta_get_structure (
      gst_buffer_add_custom_meta (dest, GST_CLASS_MASK_SUMMARY_META_NAME));

  for (gint i = 0; i < gst_structure_n_fields (from); i++) {
    const gchar *name = gst_structure_nth_field_name (from, (guint)i);
    gst_structure_set_value (to, name, gst_structure_get_value (from, name));
  }
}

static void
append_string (GValue *array, const gchar *string)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, string);
  gst_value_array_append_and_take_value (array, &value);
}

static void
append_double (GValue *array, gdouble number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_DOUBLE);
  g_value_set_double (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

/* Sets labels and fractions of the classes, and unknown. */
static void
set_shares (GstStructure *structure, const GstClassMaskClasses *classes,
    const guint64 counts[256])
{
  GValue labels = G_VALUE_INIT, fractions = G_VALUE_INIT;
  guint64 total = 0, unknown = 0;

  for (guint id = 0; id < 256; id++)
    total += counts[id];
  total = MAX (total, 1);

  g_value_init (&labels, GST_TYPE_ARRAY);
  g_value_init (&fractions, GST_TYPE_ARRAY);
  for (guint id = 0; id < gst_class_mask_classes_get_size (classes); id++) {
    if (counts[id] == 0)
      continue;
    append_string (&labels, gst_class_mask_classes_get_label (classes, id));
    append_double (&fractions, (gdouble)counts[id] / total);
  }
  for (guint id = gst_class_mask_classes_get_size (classes); id < 256; id++)
    unknown += counts[id];
  gst_structure_set (
      structure, "unknown", G_TYPE_DOUBLE, (gdouble)unknown / total, NULL);
  gst_structure_take_value (structure, "labels", &labels);
  gst_structure_take_value (structure, "fractions", &fractions);
}

/* part: the pixels of the mask to count, or NULL for all. */
static void
set_zones (GstStructure *structure, const GstClassMaskMeta *meta,
    const GstVideoRectangle *part)
{
  const GstClassMaskZones *zones = gst_class_mask_meta_get_zones (meta);
  GValue array = G_VALUE_INIT;
  guint64 *counts;
  guint n;

  if (!zones)
    return;
  n = gst_class_mask_zones_get_size (zones);
  counts = g_new0 (guint64, n * 256);
  if (part)
    gst_class_mask_meta_count_zones_in (meta, part, counts);
  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint zone = 0; zone < n; zone++) {
    GstStructure *shares = gst_structure_new ("zone", "name", G_TYPE_STRING,
        gst_class_mask_zones_get_name (zones, zone), NULL);
    GValue value = G_VALUE_INIT;

    if (!part)
      gst_class_mask_meta_count_zone (meta, zone, counts + zone * 256);
    set_shares (shares, meta->classes, counts + zone * 256);
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, shares);
    gst_value_array_append_and_take_value (&array, &value);
  }
  g_free (counts);
  gst_structure_take_value (structure, "zones", &array);
}

static GstCustomMeta *
add_summary (GstBuffer *buffer, const GstClassMaskMeta *meta,
    const guint64 counts[256], const GstVideoRectangle *part)
{
  const gchar *source = g_quark_to_string (meta->source);
  GstCustomMeta *summary;
  GstStructure *structure;

  gst_class_mask_summary_get_info ();
  summary =
      gst_buffer_add_custom_meta (buffer, GST_CLASS_MASK_SUMMARY_META_NAME);
  structure = gst_custom_meta_get_structure (summary);
  gst_structure_set (structure, "model", G_TYPE_STRING,
      gst_class_mask_classes_get_model (meta->classes), "source", G_TYPE_STRING,
      source ? source : "", "age", G_TYPE_UINT64, meta->age, NULL);
  set_shares (structure, meta->classes, counts);
  set_zones (structure, meta, part);
  return summary;
}

/* Keeps, recounts or drops the summary as its mask moves with the frame. */
static gboolean
transform_summary (GstBuffer *dest, GstCustomMeta *summary, GstBuffer *buffer,
    GQuark type, gpointer data, gpointer user_data)
{
  GstStructure *structure = gst_custom_meta_get_structure (summary);
  GstClassMaskPlacements placements;
  GstClassMaskMeta *mask, moved;
  GstVideoRectangle part;
  guint64 counts[256];

  if (GST_META_TRANSFORM_IS_COPY (type)) {
    if (((GstMetaTransformCopy *)data)->region)
      return FALSE;
    copy_summary (dest, structure);
    return TRUE;
  }
  mask = gst_buffer_get_class_mask_meta_by_source (
      buffer, gst_structure_get_string (structure, "source"));
  if (!mask)
    return FALSE;
  gst_class_mask_meta_read_placements (mask, &placements);
  if (!gst_class_mask_placements_transform (&placements, buffer, type, data))
    return FALSE;
  moved = *mask;
  moved.x = placements.rect[0].x;
  moved.y = placements.rect[0].y;
  moved.width = (guint)placements.rect[0].w;
  moved.height = (guint)placements.rect[0].h;
  if (moved.x >= 0 && moved.y >= 0 &&
      moved.x + placements.rect[0].w <= placements.frame_width &&
      moved.y + placements.rect[0].h <= placements.frame_height) {
    copy_summary (dest, structure);
    return TRUE;
  }
  return gst_class_mask_meta_get_visible (
             &moved, placements.frame_width, placements.frame_height, &part) &&
         gst_class_mask_meta_count_part (&moved, &part, counts) &&
         add_summary (dest, &moved, counts, &part);
}

/**
 * gst_class_mask_summary_get_info:
 *
 * Gets the description of the summary, registering it if necessary. A process
 * that receives summaries from another process has to call this function before
 * the first summary arrives.
 *
 * Returns: the description of the summary
 *
 * Since: 0.1
 */
const GstMetaInfo *
gst_class_mask_summary_get_info (void)
{
  static const GstMetaInfo *info = NULL;
  /* The tags of the mask: elements decide by tags whether to keep a meta. */
  static const gchar *tags[] = { GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, NULL };

  if (g_once_init_enter ((GstMetaInfo **)&info)) {
    const GstMetaInfo *registered = gst_meta_register_custom (
        GST_CLASS_MASK_SUMMARY_META_NAME, tags, transform_summary, NULL, NULL);
    g_once_init_leave ((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

/**
 * gst_buffer_add_class_mask_summary:
 * @buffer: a writable video frame
 * @meta: a mask of it
 * @counts: (array fixed-size=256) (nullable): the pixel counts of the mask, or
 *     %NULL to get them from gst_class_mask_meta_count_pixels()
 *
 * Attaches the summary of a mask.
 *
 * Returns: (transfer none) (nullable): the summary, owned by @buffer, or %NULL,
 *     with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
GstCustomMeta *
gst_buffer_add_class_mask_summary (
    GstBuffer *buffer, const GstClassMaskMeta *meta, const guint64 counts[256])
{
  guint64 counted[256];

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (gst_buffer_is_writable (buffer), NULL);
  g_return_val_if_fail (meta != NULL, NULL);

  if (!counts) {
    if (!gst_class_mask_meta_count_pixels (meta, counted))
      return NULL;
    counts = counted;
  }
  return add_summary (buffer, meta, counts, NULL);
}
