/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskmeta
 * @title: GstClassMaskMeta
 * @short_description: a class for every pixel of a video frame
 *
 * Three lines of an application look up the class of a pixel:
 *
 * |[<!-- language="C" -->
 * GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta (buffer);
 * gint id = meta ? gst_class_mask_meta_get_class_at (meta, x, y) : -1;
 * const gchar *label =
 *     id < 0 ? NULL : gst_class_mask_classes_get_label (meta->classes, id);
 * ]|
 */

#include "gst/classmask/gstclassmaskmeta.h"
#include "gst/classmask/gstclassmask-private.h"

GstDebugCategory *
gst_class_mask_debug_category (void)
{
  static gsize category = 0;

  if (g_once_init_enter (&category)) {
    gsize created =
        (gsize)_gst_debug_category_new ("classmask", 0, "class mask metadata");
    g_once_init_leave (&category, created);
  }
  return (GstDebugCategory *)category;
}

gboolean
gst_class_mask_check_image (GstBuffer *buffer, guint *width, guint *height)
{
  GstVideoMeta *video = buffer ? gst_buffer_get_video_meta (buffer) : NULL;
  gsize size = buffer ? gst_buffer_get_size (buffer) : 0;
  gsize needed;

  if (!video || video->format != GST_VIDEO_FORMAT_GRAY8) {
    GST_WARNING ("a mask must be a GRAY8 image with a GstVideoMeta");
    return FALSE;
  }
  if (video->n_planes != 1 || video->width < 1 || video->height < 1 ||
      video->width > GST_CLASS_MASK_MAX_SIZE ||
      video->height > GST_CLASS_MASK_MAX_SIZE || video->stride[0] < 0 ||
      (guint)video->stride[0] < video->width) {
    GST_WARNING ("a mask cannot be %ux%u with %u planes and %d bytes a row",
        video->width, video->height, video->n_planes, video->stride[0]);
    return FALSE;
  }
  needed = (gsize)video->stride[0] * (video->height - 1) + video->width;
  if (video->offset[0] > size || needed > size - video->offset[0]) {
    GST_WARNING ("a mask of %ux%u needs %" G_GSIZE_FORMAT " bytes from "
                 "%" G_GSIZE_FORMAT ", its buffer has %" G_GSIZE_FORMAT,
        video->width, video->height, needed, video->offset[0], size);
    return FALSE;
  }
  if (width)
    *width = video->width;
  if (height)
    *height = video->height;
  return TRUE;
}

static gboolean
gst_class_mask_meta_init (GstMeta *meta, gpointer params, GstBuffer *buffer)
{
  memset ((guint8 *)meta + sizeof (GstMeta), 0,
      sizeof (GstClassMaskMeta) - sizeof (GstMeta));
  return TRUE;
}

static void
gst_class_mask_meta_free (GstMeta *meta, GstBuffer *buffer)
{
  GstClassMaskMeta *self = (GstClassMaskMeta *)meta;

  gst_clear_buffer (&self->mask);
  gst_clear_buffer (&self->confidence);
  g_clear_pointer (&self->classes, gst_class_mask_classes_unref);
  g_clear_pointer (&self->_gst_reserved[0], g_free);
}

static gboolean
gst_class_mask_meta_transform (GstBuffer *dest, GstMeta *meta,
    GstBuffer *buffer, GQuark type, gpointer data)
{
  GstClassMaskMeta *from = (GstClassMaskMeta *)meta;
  GstClassMaskMeta *to;
  GstClassMaskPlacements placements;

  gst_class_mask_meta_read_placements (from, &placements);
  if (!gst_class_mask_placements_transform (&placements, buffer, type, data))
    return FALSE;
  to = (GstClassMaskMeta *)gst_buffer_add_meta (
      dest, GST_CLASS_MASK_META_INFO, NULL);
  if (!to)
    return FALSE;
  gst_buffer_replace (&to->mask, from->mask);
  gst_buffer_replace (&to->confidence, from->confidence);
  if (from->classes)
    to->classes = gst_class_mask_classes_ref (from->classes);
  gst_class_mask_meta_write_placements (to, &placements);
  to->age = from->age;
  to->source = from->source;
  return TRUE;
}

#if GST_CHECK_VERSION(1, 24, 0)
static gboolean
gst_class_mask_meta_serialize (
    const GstMeta *meta, GstByteArrayInterface *data, guint8 *version)
{
  GByteArray *bytes = g_byte_array_new ();
  gboolean ok =
      gst_class_mask_meta_write ((const GstClassMaskMeta *)meta, bytes) &&
      gst_byte_array_interface_append_data (data, bytes->data, bytes->len);

  g_byte_array_unref (bytes);
  *version = GST_CLASS_MASK_META_VERSION;
  return ok;
}

static GstMeta *
gst_class_mask_meta_deserialize (const GstMetaInfo *info, GstBuffer *buffer,
    const guint8 *data, gsize size, guint8 version)
{
  return (GstMeta *)gst_class_mask_meta_read (buffer, data, size, version);
}
#endif

/**
 * gst_class_mask_meta_api_get_type:
 *
 * Gets the API type of the meta, registering it if necessary.
 *
 * Returns: the type
 *
 * Since: 0.1
 */
GType
gst_class_mask_meta_api_get_type (void)
{
  static gsize type = 0;
  static const gchar *tags[] = { GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR, GST_META_TAG_VIDEO_ORIENTATION_STR, NULL };

  if (g_once_init_enter (&type)) {
    gsize registered = gst_meta_api_type_register ("GstClassMaskMetaAPI", tags);
    g_once_init_leave (&type, registered);
  }
  return type;
}

/**
 * gst_class_mask_meta_get_info:
 *
 * Gets the description of #GstClassMaskMeta, registering it if necessary. A
 * process that receives masks from another process has to call this function
 * before the first mask arrives.
 *
 * Returns: the description of the meta
 *
 * Since: 0.1
 */
const GstMetaInfo *
gst_class_mask_meta_get_info (void)
{
  static const GstMetaInfo *info = NULL;

  if (g_once_init_enter ((GstMetaInfo **)&info)) {
#if GST_CHECK_VERSION(1, 24, 0)
    GstMetaInfo *unregistered = gst_meta_info_new (GST_CLASS_MASK_META_API_TYPE,
        "GstClassMaskMeta", sizeof (GstClassMaskMeta));
    const GstMetaInfo *registered;

    unregistered->init_func = gst_class_mask_meta_init;
    unregistered->free_func = gst_class_mask_meta_free;
    unregistered->transform_func = gst_class_mask_meta_transform;
    unregistered->serialize_func = gst_class_mask_meta_serialize;
    unregistered->deserialize_func = gst_class_mask_meta_deserialize;
    registered = gst_meta_info_register (unregistered);
#else
    const GstMetaInfo *registered =
        gst_meta_register (GST_CLASS_MASK_META_API_TYPE, "GstClassMaskMeta",
            sizeof (GstClassMaskMeta), gst_class_mask_meta_init,
            gst_class_mask_meta_free, gst_class_mask_meta_transform);
#endif
    g_once_init_leave ((GstMetaInfo **)&info, (GstMetaInfo *)registered);
  }
  return info;
}

/**
 * gst_buffer_add_class_mask_meta:
 * @buffer: a writable video frame
 * @mask: (transfer full): a GRAY8 image with a #GstVideoMeta
 * @classes: (transfer none): the class table of @mask
 * @x: left edge of the part of the frame that @mask covers, in pixels
 * @y: top edge of that part
 * @width: width of that part, at least 1
 * @height: height of that part, at least 1
 *
 * Attaches a mask; age, confidence and source are not set. A frame can carry
 * several masks.
 *
 * Returns: (transfer none) (nullable): the meta, owned by @buffer, or %NULL,
 *     with a warning, if @mask is not such an image or the part is empty
 *
 * Since: 0.1
 */
GstClassMaskMeta *
gst_buffer_add_class_mask_meta (GstBuffer *buffer, GstBuffer *mask,
    GstClassMaskClasses *classes, gint x, gint y, guint width, guint height)
{
  GstClassMaskMeta *meta;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);
  g_return_val_if_fail (gst_buffer_is_writable (buffer), NULL);
  g_return_val_if_fail (GST_IS_BUFFER (mask), NULL);
  g_return_val_if_fail (classes != NULL, NULL);

  if (width < 1 || height < 1 || width > G_MAXINT / 2 ||
      height > G_MAXINT / 2 || ABS ((gint64)x) > G_MAXINT / 2 ||
      ABS ((gint64)y) > G_MAXINT / 2) {
    GST_WARNING (
        "a mask cannot cover %ux%u pixels at %d, %d", width, height, x, y);
    gst_buffer_unref (mask);
    return NULL;
  }
  if (!gst_class_mask_check_image (mask, NULL, NULL)) {
    gst_buffer_unref (mask);
    return NULL;
  }

  meta = (GstClassMaskMeta *)gst_buffer_add_meta (
      buffer, GST_CLASS_MASK_META_INFO, NULL);
  meta->mask = mask;
  meta->classes = gst_class_mask_classes_ref (classes);
  meta->x = x;
  meta->y = y;
  meta->width = width;
  meta->height = height;
  return meta;
}

/**
 * gst_buffer_get_class_mask_meta:
 * @buffer: a buffer
 *
 * Gets the mask that was attached last.
 *
 * Returns: (transfer none) (nullable): the mask, or %NULL if there is none
 *
 * Since: 0.1
 */
GstClassMaskMeta *
gst_buffer_get_class_mask_meta (GstBuffer *buffer)
{
  return gst_buffer_get_class_mask_meta_by_source (buffer, NULL);
}

/**
 * gst_buffer_get_class_mask_meta_by_source:
 * @buffer: a buffer
 * @source: (nullable): the name of the element that made the mask; %NULL or
 *     empty for any
 *
 * Gets the mask of a certain element that was attached last.
 *
 * Returns: (transfer none) (nullable): the mask, or %NULL if there is none
 *
 * Since: 0.1
 */
GstClassMaskMeta *
gst_buffer_get_class_mask_meta_by_source (
    GstBuffer *buffer, const gchar *source)
{
  gboolean any = source == NULL || source[0] == '\0';
  GQuark quark = any ? 0 : g_quark_try_string (source);
  GstClassMaskMeta *found = NULL;
  gpointer state = NULL;
  GstMeta *meta;

  g_return_val_if_fail (GST_IS_BUFFER (buffer), NULL);

  if (!any && quark == 0)
    return NULL;
  while ((meta = gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_CLASS_MASK_META_API_TYPE))) {
    GstClassMaskMeta *candidate = (GstClassMaskMeta *)meta;
    if (any || candidate->source == quark)
      found = candidate;
  }
  return found;
}

/**
 * gst_class_mask_meta_set_confidence:
 * @meta: a mask of a writable buffer
 * @confidence: (transfer full) (nullable): a GRAY8 image of the size of the
 * mask with a #GstVideoMeta; %NULL to remove the confidence
 *
 * Attaches the probability of each pixel's class to a mask.
 *
 * Returns: %FALSE, with a warning, if @confidence is not such an image; @meta
 *     then stays unchanged
 *
 * Since: 0.1
 */
gboolean
gst_class_mask_meta_set_confidence (
    GstClassMaskMeta *meta, GstBuffer *confidence)
{
  guint mask_width, mask_height, width, height;

  g_return_val_if_fail (meta != NULL, FALSE);

  if (confidence) {
    if (!gst_class_mask_check_image (meta->mask, &mask_width, &mask_height) ||
        !gst_class_mask_check_image (confidence, &width, &height)) {
      gst_buffer_unref (confidence);
      return FALSE;
    }
    if (width != mask_width || height != mask_height) {
      GST_WARNING ("a confidence of %ux%u does not fit a mask of %ux%u", width,
          height, mask_width, mask_height);
      gst_buffer_unref (confidence);
      return FALSE;
    }
  }
  gst_clear_buffer (&meta->confidence);
  meta->confidence = confidence;
  return TRUE;
}
