/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskpixels
 * @title: Pixels of a mask
 * @short_description: what applications ask a mask
 */

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmask-private.h"

GstBuffer *
gst_class_mask_new_picture (guint width, guint height)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, (gsize)width * height, NULL);
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
  gint stride[GST_VIDEO_MAX_PLANES] = { (gint)width };

  if (buffer)
    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_FORMAT_GRAY8, width, height, 1, offset, stride);
  return buffer;
}

static gboolean
map_picture (GstBuffer *buffer, GstVideoFrame *frame)
{
  GstVideoInfo info;
  guint width, height;
  gsize begin, needed;

  if (!gst_class_mask_check_picture (buffer, &width, &height))
    return FALSE;
  if (!gst_video_info_set_format (
          &info, GST_VIDEO_FORMAT_GRAY8, width, height) ||
      !gst_video_frame_map (frame, &info, buffer, GST_MAP_READ)) {
    GST_WARNING ("the memory of a mask cannot be read");
    return FALSE;
  }
  /* The buffer is large enough; the one memory of it that is mapped may not
   * be. */
  begin = (gsize)((guint8 *)GST_VIDEO_FRAME_PLANE_DATA (frame, 0) -
                  frame->map[0].data);
  needed =
      (gsize)GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0) * (height - 1) + width;
  if (begin > frame->map[0].size || needed > frame->map[0].size - begin) {
    GST_WARNING ("the rows of a mask lie in more than one memory");
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  return TRUE;
}

/**
 * gst_class_mask_meta_get_size:
 * @meta: a mask
 * @width: (out) (optional): its width, in pixels
 * @height: (out) (optional): its height, in pixels
 *
 * The size of the mask itself, which need not be that of the part of the frame
 * that it covers.
 *
 * Returns: %FALSE, with a warning, if the mask is none that can be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_get_size (
    const GstClassMaskMeta *meta, guint *width, guint *height)
{
  g_return_val_if_fail (meta != NULL, FALSE);

  return gst_class_mask_check_picture (meta->mask, width, height);
}

/**
 * gst_class_mask_meta_map: (skip)
 * @meta: a mask
 * @frame: (out caller-allocates): its pixels; row stride and size as in any
 *     #GstVideoFrame. Give it back with gst_video_frame_unmap()
 *
 * Makes the mask readable by the CPU, which may have to wait for it to be
 * computed and downloaded.
 *
 * Returns: %FALSE, with a warning, if it cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_map (const GstClassMaskMeta *meta, GstVideoFrame *frame)
{
  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (frame != NULL, FALSE);

  return map_picture (meta->mask, frame);
}

/**
 * gst_class_mask_meta_map_confidence: (skip)
 * @meta: a mask
 * @frame: (out caller-allocates): the confidence of its pixels, as from
 *     gst_class_mask_meta_map()
 *
 * Maps the confidence of a mask for reading.
 *
 * Returns: %FALSE if there is no confidence, or, with a warning, if it cannot
 *     be read or has not the size of the mask
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_map_confidence (
    const GstClassMaskMeta *meta, GstVideoFrame *frame)
{
  guint width, height;

  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (frame != NULL, FALSE);

  if (!meta->confidence ||
      !gst_class_mask_meta_get_size (meta, &width, &height) ||
      !map_picture (meta->confidence, frame))
    return FALSE;
  if ((guint)GST_VIDEO_FRAME_WIDTH (frame) != width ||
      (guint)GST_VIDEO_FRAME_HEIGHT (frame) != height) {
    GST_WARNING ("the confidence has not the size of the mask");
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  return TRUE;
}

/* The pixel of a mask of `size` pixels that lies nearest to the centre of
 * pixel `at` of the `covered` pixels of the frame. */
static guint
nearest (guint at, guint size, guint covered)
{
  return (guint)(((guint64)2 * at + 1) * size / ((guint64)2 * covered));
}

/**
 * gst_class_mask_meta_get_class_at:
 * @meta: a mask
 * @x: pixels from the left edge of the frame
 * @y: pixels from the top edge of the frame
 *
 * For many pixels, map the mask once instead.
 *
 * Returns: the id of the class under this pixel, %GST_CLASS_MASK_UNKNOWN if it
 *     is not known, or -1 if the mask does not cover it or cannot be read
 *
 * Since: 0.1
 */
gint
gst_class_mask_meta_get_class_at (const GstClassMaskMeta *meta, gint x, gint y)
{
  GstVideoFrame frame;
  gint64 dx, dy;
  gint id;

  g_return_val_if_fail (meta != NULL, -1);

  dx = (gint64)x - meta->x;
  dy = (gint64)y - meta->y;
  if (dx < 0 || dy < 0 || dx >= meta->width || dy >= meta->height)
    return -1;
  if (!gst_class_mask_meta_map (meta, &frame))
    return -1;
  {
    const guint8 *row = GST_VIDEO_FRAME_PLANE_DATA (&frame, 0);
    row += (gsize)nearest (
               (guint)dy, GST_VIDEO_FRAME_HEIGHT (&frame), meta->height) *
           GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
    id = row[nearest ((guint)dx, GST_VIDEO_FRAME_WIDTH (&frame), meta->width)];
  }
  gst_video_frame_unmap (&frame);
  return id;
}

/* Neighbours are mostly equal, so eight of them are compared at a time. */
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
 * @counts: for every value, how many pixels of the mask have it
 *
 * The area of each class, in pixels of the mask; the share of the frame is the
 * count divided by the sum of all. One pass over the mask.
 *
 * Returns: %FALSE, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_count_pixels (
    const GstClassMaskMeta *meta, guint64 counts[256])
{
  GstVideoFrame frame;
  const guint8 *row;

  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (counts != NULL, FALSE);

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

/**
 * gst_class_mask_meta_get_areas:
 * @meta: a mask
 *
 * gst_class_mask_meta_count_pixels() for languages that have no arrays of a
 * fixed size.
 *
 * Returns: (transfer full) (element-type guint64) (nullable): 256 numbers of
 *     pixels, or %NULL, with a warning, if the mask cannot be read
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

/* dst[i] = the mask's value under pixel first + i of the covered ones. */
static void
scale_row (const guint8 *src, guint size, guint covered, guint first,
    guint8 *dst, guint n)
{
  guint64 step = (guint64)2 * size, whole = (guint64)2 * covered;
  guint64 at, rest;

  if (size == covered) {
    memcpy (dst, src + first, n);
    return;
  }
  at = ((guint64)2 * first + 1) * size / whole;
  rest = ((guint64)2 * first + 1) * size % whole;
  for (guint i = 0; i < n; i++) {
    dst[i] = src[at];
    for (rest += step; rest >= whole; rest -= whole)
      at++;
  }
}

/**
 * gst_class_mask_meta_scale_into: (skip)
 * @meta: a mask
 * @frame: a GRAY8 picture of the size of the video frame, mapped for writing
 *
 * Writes the mask at the size of the frame: under every pixel the value of the
 * nearest pixel of the mask, %GST_CLASS_MASK_UNKNOWN where it does not cover
 * the frame.
 *
 * Returns: %FALSE, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_scale_into (
    const GstClassMaskMeta *meta, GstVideoFrame *frame)
{
  GstVideoFrame mask;
  gint64 width, height, left, right, previous = -1;
  guint mask_width, mask_height;
  guint8 *dst, *above = NULL;
  gint stride;

  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (frame != NULL, FALSE);
  g_return_val_if_fail (
      GST_VIDEO_FRAME_FORMAT (frame) == GST_VIDEO_FORMAT_GRAY8, FALSE);

  if (meta->width < 1 || meta->height < 1 ||
      !gst_class_mask_meta_map (meta, &mask))
    return FALSE;
  width = GST_VIDEO_FRAME_WIDTH (frame);
  height = GST_VIDEO_FRAME_HEIGHT (frame);
  mask_width = GST_VIDEO_FRAME_WIDTH (&mask);
  mask_height = GST_VIDEO_FRAME_HEIGHT (&mask);
  left = CLAMP ((gint64)meta->x, 0, width);
  right = CLAMP ((gint64)meta->x + meta->width, left, width);
  dst = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0);

  for (gint64 y = 0; y < height; y++, dst += stride) {
    gint64 dy = y - meta->y;
    guint row;

    if (dy < 0 || dy >= meta->height || left == right) {
      memset (dst, GST_CLASS_MASK_UNKNOWN, width);
      continue;
    }
    row = nearest ((guint)dy, mask_height, meta->height);
    if (row == previous) {
      memcpy (dst, above, width);
    } else {
      const guint8 *src = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA (&mask, 0) +
                          (gsize)row * GST_VIDEO_FRAME_PLANE_STRIDE (&mask, 0);
      memset (dst, GST_CLASS_MASK_UNKNOWN, left);
      scale_row (src, mask_width, meta->width, (guint)(left - meta->x),
          dst + left, (guint)(right - left));
      memset (dst + right, GST_CLASS_MASK_UNKNOWN, width - right);
    }
    previous = row;
    above = dst;
  }
  gst_video_frame_unmap (&mask);
  return TRUE;
}

/**
 * gst_class_mask_meta_scale_to_frame:
 * @meta: a mask
 * @frame_width: width of the video frame, in pixels
 * @frame_height: height of the video frame, in pixels
 *
 * The mask at the size of the frame, as gst_class_mask_meta_scale_into()
 * writes it. Where that is what it is already, it is not copied: the result
 * may be the mask itself.
 *
 * Returns: (transfer full) (nullable): a GRAY8 picture with a #GstVideoMeta,
 *     to be read only; %NULL, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
GstBuffer *
gst_class_mask_meta_scale_to_frame (
    const GstClassMaskMeta *meta, guint frame_width, guint frame_height)
{
  GstBuffer *buffer;
  GstVideoFrame frame;
  GstVideoInfo info;
  guint width, height;
  gboolean ok;

  g_return_val_if_fail (meta != NULL, NULL);
  g_return_val_if_fail (frame_width >= 1, NULL);
  g_return_val_if_fail (frame_height >= 1, NULL);

  if (!gst_class_mask_meta_get_size (meta, &width, &height))
    return NULL;
  if (width == frame_width && height == frame_height && meta->x == 0 &&
      meta->y == 0 && meta->width == width && meta->height == height)
    return gst_buffer_ref (meta->mask);

  if (!gst_video_info_set_format (
          &info, GST_VIDEO_FORMAT_GRAY8, frame_width, frame_height))
    return NULL;
  buffer = gst_class_mask_new_picture (frame_width, frame_height);
  if (!buffer)
    return NULL;
  ok = gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE);
  if (ok) {
    ok = gst_class_mask_meta_scale_into (meta, &frame);
    gst_video_frame_unmap (&frame);
  }
  if (!ok)
    gst_clear_buffer (&buffer);
  return buffer;
}
