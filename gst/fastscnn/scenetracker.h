// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "gst/base/frametime.h"

namespace fastscnn
{

/// Detects segments that continue elsewhere in the stream, as after a seek
/// without a flush: earlier masks do not belong to their frames.
class SceneTracker
{
public:
  /// Starts over (flush, new stream).
  void
  reset ()
  {
    *this = SceneTracker ();
  }

  /// A SEGMENT event arrived.
  void
  new_segment ()
  {
    new_segment_ = true;
  }

  /// Takes the next frame. Returns whether it begins another scene: it is the
  /// first of a segment, and its stream time does not continue that of the
  /// frame before.
  bool is_new_scene (const FrameTime &time);

private:
  bool new_segment_ = false;
  FrameTime last_;
};

} // namespace fastscnn
