/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The places of a mask in a frame, and how transformations move them. */

#include "gst/classmask/gstclassmask-private.h"

/* x -> (x - from_x) * scale_x + to_x, rounded to the nearest pixel; halves are
 * rounded up, also below zero. */
typedef struct {
  gint from_x, from_y;
  gdouble scale_x, scale_y;
  gdouble to_x, to_y;
} Mapping;

static gint
map_edge (gint64 edge, gint from, gdouble scale, gdouble to)
{
  gdouble mapped = (gdouble)(edge - from) * scale + to + 0.5;
  gint64 whole =
      (gint64)CLAMP (mapped, (gdouble)(G_MININT / 2), (gdouble)(G_MAXINT / 2));

  return (gint)(whole > mapped ? whole - 1 : whole);
}

static GstVideoRectangle
map_rectangle (const Mapping *map, const GstVideoRectangle *rect)
{
  GstVideoRectangle mapped;

  mapped.x = map_edge (rect->x, map->from_x, map->scale_x, map->to_x);
  mapped.y = map_edge (rect->y, map->from_y, map->scale_y, map->to_y);
  mapped.w = map_edge ((gint64)rect->x + rect->w, map->from_x, map->scale_x,
                 map->to_x) -
             mapped.x;
  mapped.h = map_edge ((gint64)rect->y + rect->h, map->from_y, map->scale_y,
                 map->to_y) -
             mapped.y;
  mapped.w = MAX (mapped.w, 1);
  mapped.h = MAX (mapped.h, 1);
  return mapped;
}

/* The part of the scaled frame that videoscale fills when it adds borders to
 * keep the display aspect. Returns FALSE if it needs none. */
static gboolean
find_borders (
    const GstVideoInfo *in, const GstVideoInfo *out, GstVideoRectangle *inner)
{
  gint from_n, from_d, to_n, to_d, n, d;

  if (!gst_util_fraction_multiply (
          in->width, in->height, in->par_n, in->par_d, &from_n, &from_d) ||
      !gst_util_fraction_multiply (
          out->width, out->height, out->par_n, out->par_d, &to_n, &to_d) ||
      (from_n == to_n && from_d == to_d) ||
      !gst_util_fraction_multiply (
          from_n, from_d, out->par_d, out->par_n, &n, &d))
    return FALSE;
  inner->w = out->width;
  inner->h = (gint)MIN (gst_util_uint64_scale_int (out->width, d, n), G_MAXINT);
  if (inner->h > out->height) {
    inner->h = out->height;
    inner->w = (gint)gst_util_uint64_scale_int (out->height, n, d);
  }
  inner->w = CLAMP (inner->w, 1, out->width);
  inner->h = CLAMP (inner->h, 1, out->height);
  inner->x = (out->width - inner->w) / 2;
  inner->y = (out->height - inner->h) / 2;
  return inner->w < out->width || inner->h < out->height;
}

/* Fills in one mapping, or two if only the scaler knows whether it has added
 * borders: first the one with borders. Returns their number; 0 if trans lacks a
 * frame size. */
static guint
map_scale (const GstVideoMetaTransform *trans, Mapping mappings[2])
{
  const GstVideoInfo *in = trans->in_info;
  const GstVideoInfo *out = trans->out_info;
  GstVideoRectangle inner[2] = { { 0 } };
  guint n = 0;

  if (in->width < 1 || in->height < 1 || out->width < 1 || out->height < 1) {
    GST_WARNING (
        "mask dropped: cannot follow the scaling of a frame of unknown "
        "size");
    return 0;
  }
  if (find_borders (in, out, &inner[0]))
    n++;
  inner[n].x = inner[n].y = 0;
  inner[n].w = out->width;
  inner[n].h = out->height;
  n++;
  for (guint i = 0; i < n; i++) {
    mappings[i].from_x = mappings[i].from_y = 0;
    mappings[i].scale_x = (gdouble)inner[i].w / in->width;
    mappings[i].scale_y = (gdouble)inner[i].h / in->height;
    mappings[i].to_x = inner[i].x;
    mappings[i].to_y = inner[i].y;
  }
  return n;
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Replaces gst_video_meta_transform_matrix_rectangle(), which rounds negative
 * edges the wrong way. The matrix is for the visible part of the frame; masks
 * lie in the whole frame. */
static guint
map_matrix (const GstVideoMetaTransformMatrix *trans, GstBuffer *buffer,
    Mapping *mapping)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);

  if (trans->matrix[0][0] <= 0 || trans->matrix[1][1] <= 0 ||
      trans->matrix[0][1] != 0 || trans->matrix[1][0] != 0 ||
      trans->matrix[2][0] != 0 || trans->matrix[2][1] != 0 ||
      trans->matrix[2][2] != 1) {
    GST_DEBUG ("mask dropped: the frame is flipped, rotated or distorted");
    return 0;
  }
  mapping->from_x = trans->in_rectangle.x + (crop ? (gint)crop->x : 0);
  mapping->from_y = trans->in_rectangle.y + (crop ? (gint)crop->y : 0);
  mapping->scale_x = trans->matrix[0][0];
  mapping->scale_y = trans->matrix[1][1];
  mapping->to_x = trans->matrix[0][2] + trans->out_rectangle.x;
  mapping->to_y = trans->matrix[1][2] + trans->out_rectangle.y;
  return 1;
}
#endif

static gboolean
add_placement (GstClassMaskPlacements *self, const GstVideoRectangle *rect)
{
  for (guint i = 0; i < self->n; i++)
    if (memcmp (&self->rect[i], rect, sizeof *rect) == 0)
      return TRUE;
  if (self->n == GST_CLASS_MASK_MAX_PLACEMENTS) {
    GST_WARNING ("mask dropped: too many scalers that may have added borders");
    return FALSE;
  }
  self->rect[self->n++] = *rect;
  return TRUE;
}

static gboolean
is_visible (const GstVideoRectangle *rect, gint width, gint height)
{
  return rect->x < width && rect->y < height && (gint64)rect->x + rect->w > 0 &&
         (gint64)rect->y + rect->h > 0;
}

gboolean
gst_class_mask_placements_transform (GstClassMaskPlacements *self,
    GstBuffer *buffer, GQuark type, gconstpointer data)
{
  const GstVideoInfo *out = NULL;
  GstClassMaskPlacements moved = { 0 };
  Mapping mappings[2];
  guint n = 0, visible = 0;

  /* A copy of part of the bytes is no longer a frame. */
  if (GST_META_TRANSFORM_IS_COPY (type))
    return !((const GstMetaTransformCopy *)data)->region;
  if (GST_VIDEO_META_TRANSFORM_IS_SCALE (type)) {
    n = map_scale (data, mappings);
    out = ((const GstVideoMetaTransform *)data)->out_info;
  }
#if GST_CHECK_VERSION(1, 28, 0)
  if (GST_VIDEO_META_TRANSFORM_IS_MATRIX (type)) {
    n = map_matrix (data, buffer, mappings);
    out = ((const GstVideoMetaTransformMatrix *)data)->out_info;
  }
#endif
  for (guint m = 0; m < n; m++) {
    for (guint i = 0; i < self->n; i++) {
      GstVideoRectangle rect = map_rectangle (&mappings[m], &self->rect[i]);
      visible += is_visible (&rect, out->width, out->height);
      if (!add_placement (&moved, &rect))
        return FALSE;
    }
  }
  if (visible == 0)
    return FALSE;
  moved.frame_width = out->width;
  moved.frame_height = out->height;
  *self = moved;
  return TRUE;
}

void
gst_class_mask_meta_read_placements (
    const GstClassMaskMeta *meta, GstClassMaskPlacements *placements)
{
  const GstClassMaskPlacements *others = meta->_gst_reserved[0];

  memset (placements, 0, sizeof *placements);
  if (others)
    *placements = *others;
  placements->n = MAX (placements->n, 1);
  placements->rect[0].x = meta->x;
  placements->rect[0].y = meta->y;
  placements->rect[0].w = (gint)meta->width;
  placements->rect[0].h = (gint)meta->height;
}

void
gst_class_mask_meta_write_placements (
    GstClassMaskMeta *meta, const GstClassMaskPlacements *placements)
{
  meta->x = placements->rect[0].x;
  meta->y = placements->rect[0].y;
  meta->width = (guint)placements->rect[0].w;
  meta->height = (guint)placements->rect[0].h;
  g_clear_pointer (&meta->_gst_reserved[0], g_free);
  if (placements->n > 1)
    meta->_gst_reserved[0] = g_memdup2 (placements, sizeof *placements);
}

/**
 * gst_class_mask_meta_get_placement:
 * @meta: a mask
 * @index: 0 for the first placement
 * @x: (out) (optional): left edge, in pixels of the frame
 * @y: (out) (optional): top edge
 * @width: (out) (optional): width, in pixels of the frame
 * @height: (out) (optional): height
 *
 * Gets one of the rectangles of the frame that the mask may cover. Nearly
 * always there is only one, which the fields of @meta hold.
 *
 * There are several only if an element has changed the display aspect of the
 * frame without saying whether it added borders or stretched the image, like
 * scalers before GStreamer 1.28. The first then assumes centred borders, the
 * default of `videoscale`. To draw a mask, use the first; to hide people, cover
 * them all.
 *
 * Returns: %FALSE, with the outputs unchanged, if there are not that many
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_get_placement (const GstClassMaskMeta *meta, guint index,
    gint *x, gint *y, guint *width, guint *height)
{
  GstClassMaskPlacements placements;

  g_return_val_if_fail (meta != NULL, FALSE);

  gst_class_mask_meta_read_placements (meta, &placements);
  if (index >= placements.n)
    return FALSE;
  if (x)
    *x = placements.rect[index].x;
  if (y)
    *y = placements.rect[index].y;
  if (width)
    *width = (guint)placements.rect[index].w;
  if (height)
    *height = (guint)placements.rect[index].h;
  return TRUE;
}
