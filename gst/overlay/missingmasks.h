// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

#include "gst/overlay/settings.h"

namespace fastscnn
{

/// Detects that frames arrive without a mask to draw, and explains why.
class MissingMasks
{
public:
  /// Call for a new stream or other settings, so that missing masks are
  /// reported again.
  void
  reset ()
  {
    *this = MissingMasks ();
  }

  /// Takes the stream time of a frame, and whether there is a mask to draw.
  /// Returns true once, when a second has passed without one.
  bool is_new (GstClockTime time, bool has_mask);

  /// A sentence that says why the frame has no mask, and what to do.
  /// overlay: the element that looks for the mask.
  std::string explain (GstElement *overlay, GstBuffer *frame,
      const OverlaySettings &settings) const;

private:
  bool told_ = false;
  bool had_mask_ = false;
  GstClockTime since_ = GST_CLOCK_TIME_NONE;
};

} // namespace fastscnn
