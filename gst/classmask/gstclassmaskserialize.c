/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serialisation of a mask for other processes:
 *
 *   rectangle    numbers x + 2^31, y + 2^31, width, height
 *   age          number
 *   source       string
 *   model        string
 *   classes      number of classes; for each: number colour, string label
 *   aliases      number of other names; for each: string alias, string label
 *   zones        number of polygons; for each: string name of its zone, number
 *                of points; for each: numbers x, y, in units of 2^-32 of the
 *                width and height of the mask
 *   mask         numbers width, height; runs
 *   confidence   number: 0 if there is none, 1 if runs follow
 *   placements   number of other rectangles that the mask may cover; each like
 *                `rectangle`
 *
 *   number       groups of 7 bits, lowest first; the top bit of a byte is set
 *                if another byte follows
 *   string       number of bytes; as many bytes of UTF-8
 *   runs         until there are width * height pixels: a byte with the value;
 *                number of pixels
 */

#include <gst/base/base.h>

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmaskzones.h"
#include "gst/classmask/gstclassmask-private.h"

#define MAX_SOURCES 256

#define BIAS (G_GINT64_CONSTANT (1) << 31)
#define WHOLE (G_GUINT64_CONSTANT (1) << 32)

static void
write_number (GstByteWriter *writer, guint64 number)
{
  for (; number > 127; number >>= 7)
    gst_byte_writer_put_uint8 (writer, 128 | (number & 127));
  gst_byte_writer_put_uint8 (writer, (guint8)number);
}

/* Quarks are never freed, so limit how many another process can create. */
static GQuark
source_quark (const gchar *source)
{
  static gint made = 0;
  GQuark quark = g_quark_try_string (source);

  if (quark || g_atomic_int_add (&made, 1) < MAX_SOURCES)
    return quark ? quark : g_quark_from_string (source);
  GST_WARNING ("source \"%s\" dropped: too many different sources", source);
  g_atomic_int_add (&made, -1);
  return 0;
}

static gboolean
read_number (GstByteReader *reader, guint64 *number, guint64 max)
{
  guint8 group;

  *number = 0;
  for (guint shift = 0; shift < 64; shift += 7) {
    if (!gst_byte_reader_get_uint8 (reader, &group))
      return FALSE;
    *number |= (guint64)(group & 127) << shift;
    if (!(group & 128))
      return *number <= max;
  }
  return FALSE;
}

static void
write_string (GstByteWriter *writer, const gchar *string)
{
  gsize length = strlen (string);

  write_number (writer, length);
  gst_byte_writer_put_data (writer, (const guint8 *)string, (guint)length);
}

static gchar *
read_string (GstByteReader *reader)
{
  const guint8 *data;
  guint64 length;

  if (!read_number (reader, &length, G_MAXUINT) ||
      !gst_byte_reader_get_data (reader, (guint)length, &data) ||
      !g_utf8_validate ((const gchar *)data, (gssize)length, NULL))
    return NULL;
  return g_strndup ((const gchar *)data, length);
}

static void
write_run (GstByteWriter *writer, guint8 value, guint n)
{
  gst_byte_writer_put_uint8 (writer, value);
  write_number (writer, n);
}

static void
write_runs (GstByteWriter *writer, const GstVideoFrame *frame)
{
  const guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  guint8 value = row[0];
  guint n = 0;

  for (gint y = 0; y < GST_VIDEO_FRAME_HEIGHT (frame); y++) {
    for (gint x = 0; x < GST_VIDEO_FRAME_WIDTH (frame); x++) {
      if (row[x] != value) {
        write_run (writer, value, n);
        value = row[x];
        n = 0;
      }
      n++;
    }
    row += GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);
  }
  write_run (writer, value, n);
}

static gboolean
read_runs (GstByteReader *reader, guint8 *pixels, gsize n_pixels)
{
  while (n_pixels > 0) {
    guint8 value;
    guint64 n;

    if (!gst_byte_reader_get_uint8 (reader, &value) ||
        !read_number (reader, &n, n_pixels))
      return FALSE;
    memset (pixels, value, n);
    pixels += n;
    n_pixels -= n;
  }
  return TRUE;
}

static GstBuffer *
read_image (GstByteReader *reader, guint width, guint height)
{
  GstBuffer *buffer = gst_class_mask_new_image (width, height);
  GstMapInfo map;
  gboolean ok;

  if (!buffer || !gst_buffer_map (buffer, &map, GST_MAP_WRITE)) {
    gst_clear_buffer (&buffer);
    return NULL;
  }
  ok = read_runs (reader, map.data, (gsize)width * height);
  gst_buffer_unmap (buffer, &map);
  if (!ok)
    gst_clear_buffer (&buffer);
  return buffer;
}

static void
write_rectangle (GstByteWriter *writer, const GstVideoRectangle *rect)
{
  write_number (writer, (guint64)(BIAS + rect->x));
  write_number (writer, (guint64)(BIAS + rect->y));
  write_number (writer, (guint64)rect->w);
  write_number (writer, (guint64)rect->h);
}

static gboolean
read_rectangle (GstByteReader *reader, GstVideoRectangle *rect)
{
  guint64 x, y, w, h;

  if (!read_number (reader, &x, G_MAXUINT32) ||
      !read_number (reader, &y, G_MAXUINT32) ||
      !read_number (reader, &w, G_MAXINT) ||
      !read_number (reader, &h, G_MAXINT))
    return FALSE;
  rect->x = (gint)((gint64)x - BIAS);
  rect->y = (gint)((gint64)y - BIAS);
  rect->w = (gint)w;
  rect->h = (gint)h;
  return TRUE;
}

static gboolean
read_other_placements (
    GstByteReader *reader, GstClassMaskPlacements *placements)
{
  guint64 others;

  if (!read_number (reader, &others, GST_CLASS_MASK_MAX_PLACEMENTS - 1))
    return FALSE;
  placements->n = 1 + (guint)others;
  for (guint i = 1; i < placements->n; i++)
    if (!read_rectangle (reader, &placements->rect[i]) ||
        placements->rect[i].w < 1 || placements->rect[i].h < 1)
      return FALSE;
  return TRUE;
}

static void
write_classes (GstByteWriter *writer, const GstClassMaskClasses *classes)
{
  guint n = gst_class_mask_classes_get_size (classes);

  write_string (writer, gst_class_mask_classes_get_model (classes));
  write_number (writer, n);
  for (guint id = 0; id < n; id++) {
    write_number (writer, gst_class_mask_classes_get_color (classes, id));
    write_string (writer, gst_class_mask_classes_get_label (classes, id));
  }
  n = gst_class_mask_classes_get_n_aliases (classes);
  write_number (writer, n);
  for (guint i = 0; i < n; i++) {
    const gchar *label;
    write_string (
        writer, gst_class_mask_classes_get_alias (classes, i, &label));
    write_string (writer, label);
  }
}

/* Reads and appends an alias and its label. */
static gboolean
read_alias (GstByteReader *reader, GPtrArray *aliases, GPtrArray *labels)
{
  gchar *alias = read_string (reader);
  gchar *label = alias ? read_string (reader) : NULL;

  if (!label) {
    g_free (alias);
    return FALSE;
  }
  g_ptr_array_add (aliases, alias);
  g_ptr_array_add (labels, label);
  return TRUE;
}

static GstClassMaskClasses *
read_classes (GstByteReader *reader)
{
  gchar *labels[GST_CLASS_MASK_MAX_CLASSES] = { NULL };
  guint32 colors[GST_CLASS_MASK_MAX_CLASSES];
  GstClassMaskClasses *classes = NULL;
  gchar *model = read_string (reader);
  GPtrArray *aliases = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *alias_labels = g_ptr_array_new_with_free_func (g_free);
  guint64 n = 0, n_aliases = 0, color;
  guint i = 0;

  if (model && read_number (reader, &n, GST_CLASS_MASK_MAX_CLASSES)) {
    for (; i < n && read_number (reader, &color, 0xffffff) &&
           (labels[i] = read_string (reader));
         i++)
      colors[i] = (guint32)color;
    if (i == n && read_number (reader, &n_aliases, G_MAXUINT)) {
      while (aliases->len < n_aliases &&
             read_alias (reader, aliases, alias_labels))
        ;
      if (aliases->len == n_aliases)
        classes = gst_class_mask_classes_new_with_aliases (model, i,
            (const gchar *const *)labels, colors, aliases->len,
            (const gchar *const *)aliases->pdata,
            (const gchar *const *)alias_labels->pdata);
    }
  }
  g_ptr_array_unref (aliases);
  g_ptr_array_unref (alias_labels);
  while (i > 0)
    g_free (labels[--i]);
  g_free (model);
  return classes;
}

static void
write_zone (GstByteWriter *writer, const GstClassMaskZones *zones, guint zone)
{
  const gdouble *points;
  guint n;

  for (guint i = 0;
       (points = gst_class_mask_zones_get_polygon (zones, zone, i, &n)); i++) {
    write_string (writer, gst_class_mask_zones_get_name (zones, zone));
    write_number (writer, n);
    for (guint p = 0; p < 2 * n; p++)
      write_number (writer, (guint64)(points[p] * WHOLE + 0.5));
  }
}

static void
write_zones (GstByteWriter *writer, const GstClassMaskZones *zones)
{
  guint size = zones ? gst_class_mask_zones_get_size (zones) : 0;
  guint polygons = 0, n;

  for (guint zone = 0; zone < size; zone++)
    for (guint i = 0; gst_class_mask_zones_get_polygon (zones, zone, i, &n);
         i++)
      polygons++;
  write_number (writer, polygons);
  for (guint zone = 0; zone < size; zone++)
    write_zone (writer, zones, zone);
}

static gboolean
read_polygon (GstByteReader *reader, GstClassMaskZones *zones)
{
  gchar *name = read_string (reader);
  gdouble *points = NULL;
  guint64 n, share;
  guint read = 0;
  gboolean ok = FALSE;

  /* A number takes at least one byte. */
  if (name &&
      read_number (reader, &n, gst_byte_reader_get_remaining (reader) / 2)) {
    points = g_new (gdouble, 2 * n + 1);
    for (; read < 2 * n && read_number (reader, &share, WHOLE); read++)
      points[read] = (gdouble)share / WHOLE;
    ok = read == 2 * n &&
         gst_class_mask_zones_add_polygon (zones, name, points, (guint)n);
  }
  g_free (points);
  g_free (name);
  return ok;
}

/* *zones stays NULL if the mask has none. */
static gboolean
read_zones (GstByteReader *reader, GstClassMaskZones **zones)
{
  guint64 polygons;

  if (!read_number (reader, &polygons, G_MAXUINT))
    return FALSE;
  if (polygons > 0)
    *zones = gst_class_mask_zones_new ();
  for (; polygons > 0; polygons--)
    if (!read_polygon (reader, *zones))
      return FALSE;
  return TRUE;
}

gboolean
gst_class_mask_meta_write (const GstClassMaskMeta *meta, GByteArray *data)
{
  const gchar *source = g_quark_to_string (meta->source);
  GstClassMaskPlacements placements;
  GstByteWriter writer;
  GstVideoFrame frame;

  if (!meta->classes || !gst_class_mask_meta_map (meta, &frame))
    return FALSE;
  gst_byte_writer_init (&writer);
  gst_class_mask_meta_read_placements (meta, &placements);
  write_rectangle (&writer, &placements.rect[0]);
  write_number (&writer, meta->age);
  write_string (&writer, source ? source : "");
  write_classes (&writer, meta->classes);
  write_zones (&writer, gst_class_mask_meta_get_zones (meta));
  write_number (&writer, (guint64)GST_VIDEO_FRAME_WIDTH (&frame));
  write_number (&writer, (guint64)GST_VIDEO_FRAME_HEIGHT (&frame));
  write_runs (&writer, &frame);
  gst_video_frame_unmap (&frame);
  if (gst_class_mask_meta_map_confidence (meta, &frame)) {
    write_number (&writer, 1);
    write_runs (&writer, &frame);
    gst_video_frame_unmap (&frame);
  } else {
    write_number (&writer, 0);
  }
  write_number (&writer, placements.n - 1);
  for (guint i = 1; i < placements.n; i++)
    write_rectangle (&writer, &placements.rect[i]);
  g_byte_array_append (data, writer.parent.data, writer.parent.size);
  gst_byte_writer_reset (&writer);
  return TRUE;
}

/* Does the work of gst_class_mask_meta_read(). The caller frees what the out
 * arguments still hold. */
static GstClassMaskMeta *
read_meta (GstBuffer *buffer, GstByteReader *reader, gchar **source,
    GstClassMaskClasses **classes, GstClassMaskZones **zones, GstBuffer **mask,
    GstBuffer **confidence)
{
  guint64 age, width, height, more;
  GstClassMaskPlacements placements = { 0 };
  GstVideoRectangle *rect = &placements.rect[0];
  GstClassMaskMeta *meta;

  if (!read_rectangle (reader, rect) ||
      !read_number (reader, &age, G_MAXUINT64) ||
      !(*source = read_string (reader)) ||
      !(*classes = read_classes (reader)) || !read_zones (reader, zones) ||
      !read_number (reader, &width, GST_CLASS_MASK_MAX_SIZE) ||
      !read_number (reader, &height, GST_CLASS_MASK_MAX_SIZE) || width < 1 ||
      height < 1 ||
      !(*mask = read_image (reader, (guint)width, (guint)height)) ||
      !read_number (reader, &more, 1) ||
      (more &&
          !(*confidence = read_image (reader, (guint)width, (guint)height))) ||
      !read_other_placements (reader, &placements) ||
      gst_byte_reader_get_remaining (reader) != 0)
    return NULL;

  if (*zones)
    gst_class_mask_set_zones (*mask, *zones, NULL);
  meta = gst_buffer_add_class_mask_meta (buffer, g_steal_pointer (mask),
      *classes, rect->x, rect->y, (guint)rect->w, (guint)rect->h);
  if (!meta)
    return NULL;
  gst_class_mask_meta_write_placements (meta, &placements);
  meta->confidence = g_steal_pointer (confidence);
  meta->age = age;
  if (**source)
    meta->source = source_quark (*source);
  return meta;
}

GstClassMaskMeta *
gst_class_mask_meta_read (
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version)
{
  GstByteReader reader;
  gchar *source = NULL;
  GstClassMaskClasses *classes = NULL;
  GstClassMaskZones *zones = NULL;
  GstBuffer *mask = NULL, *confidence = NULL;
  GstClassMaskMeta *meta = NULL;

  if (version == GST_CLASS_MASK_META_VERSION && size <= G_MAXUINT) {
    gst_byte_reader_init (&reader, data, (guint)size);
    meta = read_meta (
        buffer, &reader, &source, &classes, &zones, &mask, &confidence);
  }
  if (!meta)
    GST_WARNING ("%" G_GSIZE_FORMAT " bytes of version %u are not a valid mask",
        size, version);
  g_free (source);
  g_clear_pointer (&classes, gst_class_mask_classes_unref);
  g_clear_pointer (&zones, gst_class_mask_zones_unref);
  gst_clear_buffer (&mask);
  gst_clear_buffer (&confidence);
  return meta;
}
