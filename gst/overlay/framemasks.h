// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/gstclassmaskmeta.h>

#include <string>
#include <vector>

#include "gst/base/frameview.h"

namespace fastscnn
{

/// The masks of a frame that are drawn, the newest first.
using Masks = std::vector<const GstClassMaskMeta *>;

/// Finds the masks made by the element `source` (empty: any) that are at most
/// max_age old (0: any age; otherwise an unknown age is too old). supersede:
/// leave out a mask if a newer one covers the whole of its place; not for masks
/// of objects, which may lie within one another.
Masks find_masks (GstBuffer *buffer, const std::string &source,
    GstClockTime max_age, bool supersede);

/// The places in the frame where a mask may lie: several if it is not known
/// whether a scaler added borders. Draw at the first.
std::vector<Rect> placements (const GstClassMaskMeta *meta);

/// Whether a mask certainly covers all of this part of the frame.
bool covers (const GstClassMaskMeta *meta, const Rect &part);

} // namespace fastscnn
