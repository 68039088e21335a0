// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/lateness.h"

#include <algorithm>

namespace fastscnn
{

using Lock = std::lock_guard<std::mutex>;

bool
Lateness::record (
    gdouble proportion, GstClockTimeDiff jitter, GstClockTime running_time)
{
  const Lock lock (mutex_);

  report_ = { proportion, jitter };
  if (!GST_CLOCK_TIME_IS_VALID (running_time)) {
    earliest_ = GST_CLOCK_TIME_NONE;
    return true;
  }
  /* Frames on their way are as late as this one: catch up by as much again. */
  const GstClockTimeDiff ahead = jitter > 0 ? 2 * jitter : jitter;
  earliest_ = std::max<GstClockTimeDiff> (0, running_time + ahead);
  if (jitter <= 0)
    return true;
  const bool blame = to_blame_;
  to_blame_ = false;
  return !blame;
}

bool
Lateness::late (GstClockTime running_time) const
{
  const Lock lock (mutex_);

  return GST_CLOCK_TIME_IS_VALID (running_time) &&
         GST_CLOCK_TIME_IS_VALID (earliest_) && running_time <= earliest_ &&
         GST_CLOCK_TIME_IS_VALID (last_inference_) &&
         running_time < last_inference_ + GST_SECOND;
}

void
Lateness::inferred (GstClockTime running_time, bool held)
{
  const Lock lock (mutex_);

  last_inference_ = running_time;
  to_blame_ |= held;
}

Lateness::Report
Lateness::report () const
{
  const Lock lock (mutex_);
  return report_;
}

void
Lateness::reset ()
{
  const Lock lock (mutex_);

  report_ = {};
  earliest_ = last_inference_ = GST_CLOCK_TIME_NONE;
  to_blame_ = false;
}

} // namespace fastscnn
