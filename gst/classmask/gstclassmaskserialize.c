/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The mask as bytes, little endian, for other processes:
 *
 *   rectangle    i32 x, i32 y, u32 width, u32 height
 *   age          u64
 *   source       string
 *   model        string
 *   classes      u8 number, then for each: u32 colour, string label
 *   mask         u16 width, u16 height, runs
 *   confidence   u8: 0 none, 1 runs follow
 *
 *   string       u16 bytes, UTF-8 without a final zero
 *   runs         until width * height pixels: u8 value, number of pixels - 1 in
 *                groups of 7 bits, lowest first, the top bit says that more
 *                follow
 */

#include <gst/base/base.h>

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmask-private.h"

static void
write_string (GstByteWriter *writer, const gchar *string)
{
  gsize length = MIN (strlen (string), G_MAXUINT16);

  /* Not in the middle of a character. */
  while (length > 0 && (string[length] & 0xc0) == 0x80)
    length--;
  gst_byte_writer_put_uint16_le (writer, (guint16)length);
  gst_byte_writer_put_data (writer, (const guint8 *)string, (guint)length);
}

static gchar *
read_string (GstByteReader *reader)
{
  const guint8 *data;
  guint16 length;

  if (!gst_byte_reader_get_uint16_le (reader, &length) ||
      !gst_byte_reader_get_data (reader, length, &data) ||
      !g_utf8_validate ((const gchar *)data, length, NULL))
    return NULL;
  return g_strndup ((const gchar *)data, length);
}

static void
write_run (GstByteWriter *writer, guint8 value, guint n)
{
  gst_byte_writer_put_uint8 (writer, value);
  for (n--; n > 127; n >>= 7)
    gst_byte_writer_put_uint8 (writer, 128 | (n & 127));
  gst_byte_writer_put_uint8 (writer, n);
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
    guint8 value, group;
    guint64 n = 0;
    guint shift = 0;

    if (!gst_byte_reader_get_uint8 (reader, &value))
      return FALSE;
    do {
      if (shift > 28 || !gst_byte_reader_get_uint8 (reader, &group))
        return FALSE;
      n |= (guint64)(group & 127) << shift;
      shift += 7;
    } while (group & 128);
    n++;
    if (n > n_pixels)
      return FALSE;
    memset (pixels, value, n);
    pixels += n;
    n_pixels -= n;
  }
  return TRUE;
}

static GstBuffer *
read_picture (GstByteReader *reader, guint width, guint height)
{
  GstBuffer *buffer = gst_class_mask_new_picture (width, height);
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
write_classes (GstByteWriter *writer, const GstClassMaskClasses *classes)
{
  guint n = gst_class_mask_classes_get_size (classes);

  write_string (writer, gst_class_mask_classes_get_model (classes));
  gst_byte_writer_put_uint8 (writer, n);
  for (guint id = 0; id < n; id++) {
    gst_byte_writer_put_uint32_le (
        writer, gst_class_mask_classes_get_color (classes, id));
    write_string (writer, gst_class_mask_classes_get_label (classes, id));
  }
}

static GstClassMaskClasses *
read_classes (GstByteReader *reader)
{
  gchar *labels[256] = { NULL };
  guint32 colors[256];
  GstClassMaskClasses *classes = NULL;
  gchar *model = read_string (reader);
  guint8 n = 0;
  guint i = 0;

  if (model && gst_byte_reader_get_uint8 (reader, &n)) {
    while (i < n && gst_byte_reader_get_uint32_le (reader, &colors[i]) &&
           (labels[i] = read_string (reader)))
      i++;
    if (i == n)
      classes = gst_class_mask_classes_new (
          model, n, (const gchar *const *)labels, colors);
  }
  for (i = 0; i < n; i++)
    g_free (labels[i]);
  g_free (model);
  return classes;
}

gboolean
gst_class_mask_meta_write (const GstClassMaskMeta *meta, GByteArray *data)
{
  const gchar *source = g_quark_to_string (meta->source);
  GstByteWriter writer;
  GstVideoFrame frame;

  if (!meta->classes || !gst_class_mask_meta_map (meta, &frame))
    return FALSE;
  gst_byte_writer_init (&writer);
  gst_byte_writer_put_uint32_le (&writer, (guint32)meta->x);
  gst_byte_writer_put_uint32_le (&writer, (guint32)meta->y);
  gst_byte_writer_put_uint32_le (&writer, meta->width);
  gst_byte_writer_put_uint32_le (&writer, meta->height);
  gst_byte_writer_put_uint64_le (&writer, meta->age);
  write_string (&writer, source ? source : "");
  write_classes (&writer, meta->classes);
  gst_byte_writer_put_uint16_le (&writer, GST_VIDEO_FRAME_WIDTH (&frame));
  gst_byte_writer_put_uint16_le (&writer, GST_VIDEO_FRAME_HEIGHT (&frame));
  write_runs (&writer, &frame);
  gst_video_frame_unmap (&frame);
  if (gst_class_mask_meta_map_confidence (meta, &frame)) {
    gst_byte_writer_put_uint8 (&writer, 1);
    write_runs (&writer, &frame);
    gst_video_frame_unmap (&frame);
  } else {
    gst_byte_writer_put_uint8 (&writer, 0);
  }
  g_byte_array_append (data, writer.parent.data, writer.parent.size);
  gst_byte_writer_reset (&writer);
  return TRUE;
}

/* Does the work of gst_class_mask_meta_read(). What is not read to the end is
 * freed by the caller. */
static GstClassMaskMeta *
read_meta (GstBuffer *buffer, GstByteReader *reader, gchar **source,
    GstClassMaskClasses **classes, GstBuffer **mask, GstBuffer **confidence)
{
  guint32 x, y, rect_width, rect_height;
  guint16 width, height;
  guint8 has_confidence;
  guint64 age;
  GstClassMaskMeta *meta;

  if (!gst_byte_reader_get_uint32_le (reader, &x) ||
      !gst_byte_reader_get_uint32_le (reader, &y) ||
      !gst_byte_reader_get_uint32_le (reader, &rect_width) ||
      !gst_byte_reader_get_uint32_le (reader, &rect_height) ||
      !gst_byte_reader_get_uint64_le (reader, &age) ||
      !(*source = read_string (reader)) ||
      !(*classes = read_classes (reader)) ||
      !gst_byte_reader_get_uint16_le (reader, &width) ||
      !gst_byte_reader_get_uint16_le (reader, &height) || width < 1 ||
      height < 1 || width > GST_CLASS_MASK_MAX_SIZE ||
      height > GST_CLASS_MASK_MAX_SIZE ||
      !(*mask = read_picture (reader, width, height)) ||
      !gst_byte_reader_get_uint8 (reader, &has_confidence) ||
      has_confidence > 1 ||
      (has_confidence &&
          !(*confidence = read_picture (reader, width, height))) ||
      gst_byte_reader_get_remaining (reader) != 0)
    return NULL;

  meta = gst_buffer_add_class_mask_meta (buffer, g_steal_pointer (mask),
      *classes, (gint)x, (gint)y, rect_width, rect_height);
  if (!meta)
    return NULL;
  meta->confidence = g_steal_pointer (confidence);
  meta->age = age;
  if (**source)
    meta->source = g_quark_from_string (*source);
  return meta;
}

GstClassMaskMeta *
gst_class_mask_meta_read (
    GstBuffer *buffer, const guint8 *data, gsize size, guint8 version)
{
  GstByteReader reader;
  gchar *source = NULL;
  GstClassMaskClasses *classes = NULL;
  GstBuffer *mask = NULL, *confidence = NULL;
  GstClassMaskMeta *meta = NULL;

  if (version == GST_CLASS_MASK_META_VERSION && size <= G_MAXUINT) {
    gst_byte_reader_init (&reader, data, (guint)size);
    meta = read_meta (buffer, &reader, &source, &classes, &mask, &confidence);
  }
  if (!meta)
    GST_WARNING (
        "%" G_GSIZE_FORMAT " bytes of version %u are no mask", size, version);
  g_free (source);
  g_clear_pointer (&classes, gst_class_mask_classes_unref);
  gst_clear_buffer (&mask);
  gst_clear_buffer (&confidence);
  return meta;
}
