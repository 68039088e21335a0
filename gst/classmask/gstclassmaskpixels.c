/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskpixels
 * @title: Pixels of a mask
 * @short_description: reading, counting and scaling masks
 */

#include "gst/classmask/gstclassmaskpixels.h"
#include "gst/classmask/gstclassmask-private.h"

GstBuffer *
gst_class_mask_new_image (guint width, guint height)
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
map_image (GstBuffer *buffer, GstVideoFrame *frame)
{
  GstVideoInfo info;
  guint width, height;
  gsize begin, needed;

  if (!gst_class_mask_check_image (buffer, &width, &height))
    return FALSE;
  if (!gst_video_info_set_format (
          &info, GST_VIDEO_FORMAT_GRAY8, width, height) ||
      !gst_video_frame_map (frame, &info, buffer, GST_MAP_READ)) {
    GST_WARNING ("the memory of a mask cannot be mapped");
    return FALSE;
  }
  /* The buffer is large enough, but only one of its memories is mapped. */
  begin = (gsize)((guint8 *)GST_VIDEO_FRAME_PLANE_DATA (frame, 0) -
                  frame->map[0].data);
  needed =
      (gsize)GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0) * (height - 1) + width;
  if (begin > frame->map[0].size || needed > frame->map[0].size - begin) {
    GST_WARNING ("the rows of a mask are spread over several memories");
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
 * Gets the size of the mask itself, which may differ from that of the part of
 * the frame that it covers.
 *
 * Returns: %FALSE, with a warning, if the mask is not valid
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_get_size (
    const GstClassMaskMeta *meta, guint *width, guint *height)
{
  g_return_val_if_fail (meta != NULL, FALSE);

  return gst_class_mask_check_image (meta->mask, width, height);
}

/**
 * gst_class_mask_meta_map: (skip)
 * @meta: a mask
 * @frame: (out caller-allocates): the mapped mask, with size and row stride as
 *     in any #GstVideoFrame. Unmap it with gst_video_frame_unmap()
 *
 * Maps the mask for reading by the CPU. Downloads a mask that is in GPU memory,
 * which may block.
 *
 * Returns: %FALSE, with a warning, if the mask cannot be read
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_map (const GstClassMaskMeta *meta, GstVideoFrame *frame)
{
  g_return_val_if_fail (meta != NULL, FALSE);
  g_return_val_if_fail (frame != NULL, FALSE);

  return map_image (meta->mask, frame);
}

/**
 * gst_class_mask_meta_map_confidence: (skip)
 * @meta: a mask
 * @frame: (out caller-allocates): the mapped confidence, as in
 *     gst_class_mask_meta_map()
 *
 * Maps the confidence of a mask for reading.
 *
 * Returns: %FALSE if the mask has no confidence, or, with a warning, if it
 *     cannot be read or differs in size from the mask
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
      !map_image (meta->confidence, frame))
    return FALSE;
  if ((guint)GST_VIDEO_FRAME_WIDTH (frame) != width ||
      (guint)GST_VIDEO_FRAME_HEIGHT (frame) != height) {
    GST_WARNING ("the confidence differs in size from the mask");
    gst_video_frame_unmap (frame);
    return FALSE;
  }
  return TRUE;
}

/* `size` mask pixels cover `covered` frame pixels. Returns the mask pixel
 * nearest to the centre of covered pixel `at`. */
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
 * Looks up the class of one pixel of the frame. To read many pixels, map the
 * mask once instead.
 *
 * Returns: the id of the class, %GST_CLASS_MASK_UNKNOWN if it is not known, or
 *     -1 if the mask does not cover the pixel or cannot be read
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

/* Sets dst[i] to the value of the mask at covered pixel first + i. */
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
 * @frame: a GRAY8 image of the size of the video frame, mapped for writing
 *
 * Scales the mask to the size of the frame (nearest neighbour). Pixels that the
 * mask does not cover become %GST_CLASS_MASK_UNKNOWN.
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
 * Scales the mask to the size of the frame like
 * gst_class_mask_meta_scale_into(). If no scaling is needed, returns a
 * reference to the mask itself.
 *
 * Returns: (transfer full) (nullable): a GRAY8 image with a #GstVideoMeta,
 * which must not be written to; %NULL, with a warning, if the mask cannot be
 * read
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
  buffer = gst_class_mask_new_image (frame_width, frame_height);
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
