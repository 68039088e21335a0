// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/maskmapping.h"

#include <gst/classmask/gstclassmaskpixels.h>

#include "gst/base/cudamaskallocator.h"
#include "gst/base/cudamemory.h"

namespace fastscnn
{

Error
unreadable_mask ()
{
  return Error{ Error::Kind::kFormat,
    "A class mask could not be mapped: it is not a valid GRAY8 image." };
}

MaskMapping::MaskMapping (const GstClassMaskMeta *meta, gpointer cuda_context)
    : meta_ (meta), mapped_ (map (cuda_context))
{
}

MaskMapping::~MaskMapping ()
{
  if (mapped_)
    gst_video_frame_unmap (&frame_);
}

bool
MaskMapping::map (gpointer cuda_context)
{
  GstBuffer *mask = meta_->mask;
  const GstVideoMeta *video = gst_buffer_get_video_meta (mask);
  GstVideoInfo info;

  if (!cuda_context || !video ||
      !gst_is_cuda_mask_memory (gst_buffer_peek_memory (mask, 0), cuda_context))
    return gst_class_mask_meta_map (meta_, &frame_);
  gst_video_info_set_format (
      &info, GST_VIDEO_FORMAT_GRAY8, video->width, video->height);
  memory_ = Memory::kDevice;
  return gst_video_frame_map (&frame_, &info, mask,
      (GstMapFlags)(GST_MAP_READ | CudaMemory::map_flag ()));
}

Result<PaintMask>
MaskMapping::place (const Rect &part) const
{
  if (!mapped_)
    return unreadable_mask ();
  PaintMask mask;
  mask.ids = (const uint8_t *)GST_VIDEO_FRAME_PLANE_DATA (&frame_, 0);
  mask.stride = GST_VIDEO_FRAME_PLANE_STRIDE (&frame_, 0);
  mask.width = GST_VIDEO_FRAME_WIDTH (&frame_);
  mask.height = GST_VIDEO_FRAME_HEIGHT (&frame_);
  mask.x = meta_->x - part.x;
  mask.y = meta_->y - part.y;
  mask.covers_width = meta_->width;
  mask.covers_height = meta_->height;
  mask.memory = memory_;
  return mask;
}

} // namespace fastscnn
