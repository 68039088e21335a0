// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/scenetracker.h"

#include <algorithm>
#include <utility>

namespace fastscnn
{
namespace
{

/* A few frames may be lost where segments meet. */
constexpr GstClockTime kTolerance = 500 * GST_MSECOND;
constexpr GstClockTime kToleratedFrames = 3;

} // namespace

bool
SceneTracker::is_new_scene (const FrameTime &time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time.stream_time))
    return false;
  const FrameTime last = std::exchange (last_, time);
  if (!std::exchange (new_segment_, false) ||
      !GST_CLOCK_TIME_IS_VALID (last.stream_time))
    return false;
  GstClockTime tolerance = kTolerance;
  if (GST_CLOCK_TIME_IS_VALID (last.duration))
    tolerance = std::max (tolerance, kToleratedFrames * last.duration);
  return (GstClockTime)ABS (
             GST_CLOCK_DIFF (last.stream_time, time.stream_time)) > tolerance;
}

} // namespace fastscnn
