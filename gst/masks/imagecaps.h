// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

namespace fastscnn
{

/// What the picture of a mask has to be like, but for its format: as large as
/// the mask or, if to_frame or without a mask, as the frame; with pixels of
/// the shape that they have in the frame. FALSE if the mask cannot be read.
gboolean describe_picture (const GstVideoInfo &frame,
    const GstClassMaskMeta *mask, bool to_frame, GstVideoInfo &wanted);

/// Caps of such pictures with the first format of the pad's template that its
/// peer takes; empty if it takes none. (transfer full)
GstCaps *choose_picture_caps (GstPad *srcpad, const GstVideoInfo &wanted);

/// An active pool of such pictures, with rows as the caps imply, which
/// everything downstream can read; NULL if there can be none.
GstBufferPool *make_picture_pool (GstCaps *caps);

} // namespace fastscnn
