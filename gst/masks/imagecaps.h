// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

namespace fastscnn
{

/// Describes the image of a mask, except for its pixel format: the size of the
/// mask, or that of the frame if to_frame is set or mask is null; and a pixel
/// aspect ratio that keeps the proportions of the frame. FALSE if the mask
/// cannot be read.
gboolean describe_image (const GstVideoInfo &frame,
    const GstClassMaskMeta *mask, bool to_frame, GstVideoInfo &wanted);

/// Caps of such images in the first format of the pad's template that the peer
/// accepts; empty if it accepts none. (transfer full)
GstCaps *choose_image_caps (GstPad *srcpad, const GstVideoInfo &wanted);

/// An active pool of such images, without a GstVideoMeta, so that every element
/// downstream can read them; NULL on failure.
GstBufferPool *make_image_pool (GstCaps *caps);

} // namespace fastscnn
