// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/imagecaps.h"

namespace fastscnn
{

gboolean
describe_image (const GstVideoInfo &frame, const GstClassMaskMeta *mask,
    bool to_frame, GstVideoInfo &wanted)
{
  guint width, height;
  gint cover_n, cover_d;

  gst_video_info_set_format (&wanted, GST_VIDEO_FORMAT_GRAY8,
      (guint)GST_VIDEO_INFO_WIDTH (&frame),
      (guint)GST_VIDEO_INFO_HEIGHT (&frame));
  wanted.par_n = GST_VIDEO_INFO_PAR_N (&frame);
  wanted.par_d = GST_VIDEO_INFO_PAR_D (&frame);
  wanted.fps_n = GST_VIDEO_INFO_FPS_N (&frame);
  wanted.fps_d = GST_VIDEO_INFO_FPS_D (&frame);
  if (!mask)
    return TRUE;
  if (!gst_class_mask_meta_get_size (mask, &width, &height))
    return FALSE;
  if (to_frame)
    return TRUE;

  wanted.width = (gint)width;
  wanted.height = (gint)height;
  if (!gst_util_fraction_multiply ((gint)mask->width, (gint)mask->height,
          (gint)height, (gint)width, &cover_n, &cover_d) ||
      !gst_util_fraction_multiply (wanted.par_n, wanted.par_d, cover_n, cover_d,
          &wanted.par_n, &wanted.par_d))
    wanted.par_n = wanted.par_d = 1;
  return TRUE;
}

GstCaps *
choose_image_caps (GstPad *srcpad, const GstVideoInfo &wanted)
{
  GstCaps *ours =
      gst_caps_make_writable (gst_pad_get_pad_template_caps (srcpad));

  gst_caps_set_simple (ours, "width", G_TYPE_INT, wanted.width, "height",
      G_TYPE_INT, wanted.height, "framerate", GST_TYPE_FRACTION, wanted.fps_n,
      wanted.fps_d, "pixel-aspect-ratio", GST_TYPE_FRACTION, wanted.par_n,
      wanted.par_d, NULL);
  GstCaps *theirs = gst_pad_peer_query_caps (srcpad, ours);
  GstCaps *caps =
      gst_caps_intersect_full (ours, theirs, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (ours);
  gst_caps_unref (theirs);
  return gst_caps_is_empty (caps) ? caps : gst_caps_fixate (caps);
}

GstBufferPool *
make_image_pool (GstCaps *caps)
{
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstVideoInfo info;

  if (gst_video_info_from_caps (&info, caps)) {
    gst_buffer_pool_config_set_params (
        config, caps, (guint)GST_VIDEO_INFO_SIZE (&info), 0, 0);
    if (gst_buffer_pool_set_config (pool, config) &&
        gst_buffer_pool_set_active (pool, TRUE))
      return pool;
  } else {
    gst_structure_free (config);
  }
  gst_object_unref (pool);
  return NULL;
}

} // namespace fastscnn
