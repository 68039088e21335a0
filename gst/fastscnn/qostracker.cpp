// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/qostracker.h"

#include <algorithm>
#include <cstdlib>

namespace fastscnn
{
namespace
{

using Lock = std::lock_guard<std::mutex>;

constexpr GstClockTime kStep = 5 * GST_MSECOND;
constexpr unsigned kTimesBelow = 128;
constexpr unsigned kLately = 64; // frames

} // namespace

void
Lateness::start ()
{
  const Lock lock (mutex_);

  forget ();
  usual_ = latency_ = 0;
  below_ = 0;
}

void
Lateness::flush ()
{
  const Lock lock (mutex_);
  forget ();
}

void
Lateness::forget ()
{
  report_ = {};
  earliest_ = last_inference_ = last_held_ = GST_CLOCK_TIME_NONE;
  least_ = least_before_ = G_MAXINT64;
  frames_ = 0;
}

bool
Lateness::record (const Report &report, GstClockTime running_time)
{
  const Lock lock (mutex_);

  report_ = report;
  if (!GST_CLOCK_TIME_IS_VALID (running_time)) {
    earliest_ = GST_CLOCK_TIME_NONE;
    return true;
  }
  /* Frames on their way are as late as this one: catch up by as much again. */
  const GstClockTimeDiff jitter = report.jitter;
  earliest_ = std::max<GstClockTimeDiff> (
      0, running_time + (jitter > 0 ? 2 * jitter : jitter));
  if (jitter <= 0 || !GST_CLOCK_TIME_IS_VALID (last_held_))
    return true;
  /* As many as come during an inference wait behind it, and as many again come
   * while those catch up. Behind jumps of the timestamps nothing waited. */
  return std::abs (GST_CLOCK_DIFF (last_held_, running_time)) >
         (GstClockTimeDiff)(2 * usual_);
}

Lateness::Report
Lateness::report () const
{
  const Lock lock (mutex_);
  return report_;
}

/* How much longer than others a frame took to get here. */
GstClockTimeDiff
Lateness::waited (GstClockTimeDiff delay)
{
  if (frames_++ % kLately == 0) {
    least_before_ = least_;
    least_ = delay;
  }
  least_ = std::min (least_, delay);
  return delay - std::min (least_, least_before_);
}

bool
Lateness::late (GstClockTime running_time, GstClockTime now)
{
  const Lock lock (mutex_);

  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return false;
  bool late = GST_CLOCK_TIME_IS_VALID (earliest_) && running_time <= earliest_;
  if (GST_CLOCK_TIME_IS_VALID (now))
    late |= waited (GST_CLOCK_DIFF (running_time, now)) >
            GST_CLOCK_DIFF (usual_, latency_);
  /* Timestamps of cameras jump, back as well. */
  return late && GST_CLOCK_TIME_IS_VALID (last_inference_) &&
         std::abs (GST_CLOCK_DIFF (last_inference_, running_time)) <
             (GstClockTimeDiff)GST_SECOND;
}

void
Lateness::looked_at (GstClockTime running_time, bool held)
{
  const Lock lock (mutex_);

  last_inference_ = running_time;
  if (held)
    last_held_ = running_time;
}

bool
Lateness::expect (GstClockTime usual)
{
  const Lock lock (mutex_);
  /* A frame may have waited for a step, and still be through in time. */
  const GstClockTime needed = (usual + 2 * kStep - 1) / kStep * kStep;

  usual_ = usual;
  below_ = needed * 2 <= latency_ ? below_ + 1 : 0;
  if (needed <= latency_ && below_ < kTimesBelow)
    return false;
  below_ = 0;
  latency_ = needed;
  return true;
}

} // namespace fastscnn
