// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/frameview.h"

#include <algorithm>

#include "net/color.h"

namespace fastscnn
{
namespace
{

/* GStreamer's defaults for fields that the caps leave out. */
GstVideoInfo
default_info (const GstVideoInfo &info)
{
  GstVideoInfo defaults;
  gst_video_info_set_format (&defaults, GST_VIDEO_INFO_FORMAT (&info),
      GST_VIDEO_INFO_WIDTH (&info), GST_VIDEO_INFO_HEIGHT (&info));
  return defaults;
}

ColorTransform
color_transform (const GstVideoInfo &info)
{
  const GstVideoColorRange range = info.colorimetry.range;

  if (GST_VIDEO_INFO_IS_GRAY (&info))
    return gray_to_rgb (range != GST_VIDEO_COLOR_RANGE_16_235);
  if (GST_VIDEO_INFO_IS_RGB (&info))
    return rgb_to_rgb (range != GST_VIDEO_COLOR_RANGE_16_235);

  gdouble kr, kb;
  if (!gst_video_color_matrix_get_Kr_Kb (info.colorimetry.matrix, &kr, &kb))
    gst_video_color_matrix_get_Kr_Kb (
        default_info (info).colorimetry.matrix, &kr, &kb);
  return yuv_to_rgb (kr, kb, range == GST_VIDEO_COLOR_RANGE_0_255);
}

GstVideoChromaSite
chroma_site (const GstVideoInfo &info)
{
  if (info.chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN)
    return info.chroma_site;
  return default_info (info).chroma_site;
}

/* Distance in pixels from the centre of a block's first pixel to the centre of
 * its first sample. */
float
sample_centre (int shift, bool cosited)
{
  return cosited ? 0.f : ((1 << shift) - 1) / 2.f;
}

int
first_component (const GstVideoFormatInfo *format, guint plane)
{
  int c = 0;
  while (GST_VIDEO_FORMAT_INFO_PLANE (format, c) != plane)
    c++;
  return c;
}

/* Plane pointers move by whole blocks of pixels, which keeps them valid for
 * every component of the plane. */
int
block_shift_x (const GstVideoFormatInfo *format, guint plane)
{
  int shift = 0;
  for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS (format); c++)
    if (GST_VIDEO_FORMAT_INFO_PLANE (format, c) == plane)
      shift = std::max<int> (shift, GST_VIDEO_FORMAT_INFO_W_SUB (format, c));
  return shift;
}

Component
describe_component (const GstVideoInfo &info, const Rect &part, int c)
{
  const GstVideoFormatInfo *format = info.finfo;
  const int site = chroma_site (info);
  Component component;

  component.plane = GST_VIDEO_FORMAT_INFO_PLANE (format, c);
  component.pixel_stride = GST_VIDEO_FORMAT_INFO_PSTRIDE (format, c);
  component.shift_x = GST_VIDEO_FORMAT_INFO_W_SUB (format, c);
  component.shift_y = GST_VIDEO_FORMAT_INFO_H_SUB (format, c);

  const int block = block_shift_x (format, component.plane);
  const int skipped = (part.x >> component.shift_x) -
                      (part.x >> block << block >> component.shift_x);
  component.offset = GST_VIDEO_FORMAT_INFO_POFFSET (format, c) +
                     skipped * component.pixel_stride;
  component.origin_x = sample_centre (component.shift_x,
                           site & GST_VIDEO_CHROMA_SITE_H_COSITED) -
                       (part.x & ((1 << component.shift_x) - 1));
  component.origin_y = sample_centre (component.shift_y,
                           site & GST_VIDEO_CHROMA_SITE_V_COSITED) -
                       (part.y & ((1 << component.shift_y) - 1));
  return component;
}

} // namespace

FrameInfo
describe_frame (const GstVideoInfo &info, const Rect &part)
{
  FrameInfo out;

  out.width = part.width;
  out.height = part.height;
  out.planes = GST_VIDEO_INFO_N_PLANES (&info);
  out.components = GST_VIDEO_INFO_IS_GRAY (&info) ? 1 : 3;
  out.to_rgb = color_transform (info);
  if (GST_VIDEO_INFO_HAS_ALPHA (&info))
    out.alpha = GST_VIDEO_FORMAT_INFO_POFFSET (info.finfo, GST_VIDEO_COMP_A);
  for (int c = 0; c < out.components; c++) {
    const Component component = describe_component (info, part, c);
    out.component[c] = component;

    int &row_bytes = out.row_bytes[component.plane];
    int &rows = out.rows[component.plane];
    row_bytes = std::max (row_bytes,
        component.offset +
            (component_width (out, c) - 1) * component.pixel_stride + 1);
    rows = std::max (rows, component_height (out, c));
  }
  return out;
}

Frame
view_frame (const GstVideoFrame &frame, const Rect &part)
{
  const GstVideoFormatInfo *format = frame.info.finfo;
  Frame out;

  for (guint p = 0; p < GST_VIDEO_FRAME_N_PLANES (&frame); p++) {
    const int c = first_component (format, p);
    const int block = block_shift_x (format, p);
    const int column =
        part.x >> block << block >> GST_VIDEO_FORMAT_INFO_W_SUB (format, c);
    const int row = part.y >> GST_VIDEO_FORMAT_INFO_H_SUB (format, c);

    out.stride[p] = GST_VIDEO_FRAME_PLANE_STRIDE (&frame, p);
    out.data[p] =
        static_cast<uint8_t *> (GST_VIDEO_FRAME_PLANE_DATA (&frame, p)) +
        (gssize)row * out.stride[p] +
        (gssize)column * GST_VIDEO_FORMAT_INFO_PSTRIDE (format, c);
  }
  return out;
}

bool
matches_caps (GstBuffer *buffer, const GstVideoInfo &caps_info)
{
  const GstVideoMeta *video = gst_buffer_get_video_meta (buffer);

  return !video ||
         (video->format == GST_VIDEO_INFO_FORMAT (&caps_info) &&
             video->n_planes == GST_VIDEO_INFO_N_PLANES (&caps_info) &&
             video->width >= (guint)GST_VIDEO_INFO_WIDTH (&caps_info) &&
             video->height >= (guint)GST_VIDEO_INFO_HEIGHT (&caps_info));
}

bool
is_inside (const GstVideoFrame &frame, const Frame &view, const FrameInfo &info)
{
  for (int p = 0; p < info.planes; p++) {
    /* Without a GstVideoMeta all planes lie in one map. */
    const GstMapInfo &map = frame.map[frame.meta ? p : 0];
    const gint64 first = (gint64)((guintptr)view.data[p] - (guintptr)map.data);
    const gint64 last = first + (gint64)(info.rows[p] - 1) * view.stride[p];

    if (std::min (first, last) < 0 ||
        std::max (first, last) + info.row_bytes[p] > (gint64)map.size)
      return false;
  }
  return true;
}

Rect
whole_frame (GstBuffer *buffer, const GstVideoInfo &caps_info)
{
  const GstVideoMeta *video = gst_buffer_get_video_meta (buffer);

  if (video && gst_buffer_get_video_crop_meta (buffer) &&
      matches_caps (buffer, caps_info))
    return { 0, 0, (int)video->width, (int)video->height };
  return { 0, 0, GST_VIDEO_INFO_WIDTH (&caps_info),
    GST_VIDEO_INFO_HEIGHT (&caps_info) };
}

Rect
visible_part (GstBuffer *buffer, const GstVideoInfo &caps_info)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);
  if (!crop)
    return { 0, 0, GST_VIDEO_INFO_WIDTH (&caps_info),
      GST_VIDEO_INFO_HEIGHT (&caps_info) };

  const GstVideoMeta *video = gst_buffer_get_video_meta (buffer);
  const guint frame_width =
      video ? video->width : GST_VIDEO_INFO_WIDTH (&caps_info);
  const guint frame_height =
      video ? video->height : GST_VIDEO_INFO_HEIGHT (&caps_info);
  if (crop->x >= frame_width || crop->y >= frame_height)
    return {};
  return { (int)crop->x, (int)crop->y,
    (int)std::min (crop->width, frame_width - crop->x),
    (int)std::min (crop->height, frame_height - crop->y) };
}

} // namespace fastscnn
