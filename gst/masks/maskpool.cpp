// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/masks/maskpool.h"

#include <gst/video/video.h>

namespace fastscnn
{

MaskPool::MaskPool (int width, int height, GstAllocator *allocator)
    : width_ (width), height_ (height), pool_ (gst_buffer_pool_new ())
{
  GstStructure *config = gst_buffer_pool_get_config (pool_);

  gst_buffer_pool_config_set_params (
      config, NULL, (guint)width * (guint)height, 0, 0);
  if (allocator)
    gst_buffer_pool_config_set_allocator (config, allocator, NULL);
  gst_buffer_pool_set_config (pool_, config);
  gst_buffer_pool_set_active (pool_, TRUE);
}

MaskPool::~MaskPool ()
{
  gst_buffer_pool_set_active (pool_, FALSE);
  gst_object_unref (pool_);
}

BufferPtr
MaskPool::acquire ()
{
  GstBuffer *buffer = NULL;

  if (gst_buffer_pool_acquire_buffer (pool_, &buffer, NULL) != GST_FLOW_OK)
    return nullptr;
  if (!gst_buffer_get_video_meta (buffer)) {
    gsize offset[GST_VIDEO_MAX_PLANES] = { 0 };
    gint stride[GST_VIDEO_MAX_PLANES] = { width_ };
    GstVideoMeta *meta =
        gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
            GST_VIDEO_FORMAT_GRAY8, width_, height_, 1, offset, stride);
    meta->meta.flags = (GstMetaFlags)(meta->meta.flags | GST_META_FLAG_POOLED);
  }
  return BufferPtr (buffer);
}

} // namespace fastscnn
