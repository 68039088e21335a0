// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/maskimage.h"

#include <cstring>

namespace fastscnn
{

namespace
{

const guint8 *
row_of (const GstVideoFrame &frame, int y)
{
  return static_cast<const guint8 *> (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)) +
         static_cast<gssize> (y) * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
}

guint8 *
row_of (GstVideoFrame &frame, int y)
{
  return const_cast<guint8 *> (
      row_of (static_cast<const GstVideoFrame &> (frame), y));
}

void
copy (const GstVideoFrame &ids, GstVideoFrame &dst)
{
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT (&dst); y++)
    memcpy (row_of (dst, y), row_of (ids, y), GST_VIDEO_FRAME_WIDTH (&dst));
}

template <int kBytes>
void
color (const GstVideoFrame &ids, const guint8 (&colors)[256][4],
    GstVideoFrame &dst)
{
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT (&dst); y++) {
    const guint8 *from = row_of (ids, y);
    guint8 *to = row_of (dst, y);
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH (&dst); x++)
      memcpy (to + x * kBytes, colors[from[x]], kBytes);
  }
}

} // namespace

GstClassMaskMeta
relative_to_visible_part (const GstClassMaskMeta &mask, GstBuffer *frame)
{
  GstClassMaskMeta shown = mask;

  if (const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (frame)) {
    shown.x -= (gint)crop->x;
    shown.y -= (gint)crop->y;
  }
  return shown;
}

MaskImage::~MaskImage ()
{
  g_clear_pointer (&classes_, gst_class_mask_classes_unref);
  gst_clear_buffer (&scaled_);
}

void
MaskImage::use_classes (GstClassMaskClasses *classes)
{
  if (classes == classes_)
    return;
  g_clear_pointer (&classes_, gst_class_mask_classes_unref);
  classes_ = gst_class_mask_classes_ref (classes);
  memset (colors_, 0, sizeof colors_);
  for (guint id = 0; id < gst_class_mask_classes_get_size (classes); id++) {
    const guint32 rgb = gst_class_mask_classes_get_color (classes, id);
    for (int i = 0; i < 3; i++)
      colors_[id][i] = static_cast<guint8> (rgb >> (16 - 8 * i));
    colors_[id][3] = 255;
  }
}

bool
MaskImage::scale (
    const GstClassMaskMeta &mask, int width, int height, GstVideoFrame &scaled)
{
  if (!scaled_ || GST_VIDEO_INFO_WIDTH (&scaled_info_) != width ||
      GST_VIDEO_INFO_HEIGHT (&scaled_info_) != height) {
    gst_clear_buffer (&scaled_);
    gst_video_info_set_format (
        &scaled_info_, GST_VIDEO_FORMAT_GRAY8, width, height);
    scaled_ = gst_buffer_new_allocate (
        NULL, GST_VIDEO_INFO_SIZE (&scaled_info_), NULL);
  }
  if (!gst_video_frame_map (&scaled, &scaled_info_, scaled_, GST_MAP_READWRITE))
    return false;
  if (gst_class_mask_meta_scale_into (&mask, &scaled))
    return true;
  gst_video_frame_unmap (&scaled);
  return false;
}

bool
MaskImage::draw_colors (
    const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst)
{
  GstVideoFrame ids;

  if (to_frame ? !scale (mask, GST_VIDEO_FRAME_WIDTH (&dst),
                     GST_VIDEO_FRAME_HEIGHT (&dst), ids)
               : !gst_class_mask_meta_map (&mask, &ids))
    return false;
  use_classes (mask.classes);
  if (GST_VIDEO_FRAME_FORMAT (&dst) == GST_VIDEO_FORMAT_RGBA)
    color<4> (ids, colors_, dst);
  else
    color<3> (ids, colors_, dst);
  gst_video_frame_unmap (&ids);
  return true;
}

bool
MaskImage::draw (
    const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst)
{
  GstVideoFrame ids;

  if (GST_VIDEO_FRAME_FORMAT (&dst) != GST_VIDEO_FORMAT_GRAY8)
    return draw_colors (mask, to_frame, dst);
  if (to_frame)
    return gst_class_mask_meta_scale_into (&mask, &dst);
  if (!gst_class_mask_meta_map (&mask, &ids))
    return false;
  copy (ids, dst);
  gst_video_frame_unmap (&ids);
  return true;
}

void
MaskImage::draw_unknown (GstVideoFrame &dst)
{
  const bool gray = GST_VIDEO_FRAME_FORMAT (&dst) == GST_VIDEO_FORMAT_GRAY8;
  const size_t bytes = static_cast<size_t> (GST_VIDEO_FRAME_WIDTH (&dst)) *
                       GST_VIDEO_FRAME_COMP_PSTRIDE (&dst, 0);

  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT (&dst); y++)
    memset (row_of (dst, y), gray ? GST_CLASS_MASK_UNKNOWN : 0, bytes);
}

} // namespace fastscnn
