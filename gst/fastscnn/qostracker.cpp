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
constexpr unsigned kTimesBelow = 128; // updates before the latency is reduced
constexpr unsigned kWindow = 64;      // frames

} // namespace

void
QosTracker::start ()
{
  const Lock lock (mutex_);

  clear ();
  p95_ = latency_ = 0;
  below_ = 0;
}

void
QosTracker::flush ()
{
  const Lock lock (mutex_);
  clear ();
}

void
QosTracker::clear ()
{
  report_ = {};
  earliest_ = last_inferred_ = last_synchronous_ = GST_CLOCK_TIME_NONE;
  least_delay_ = previous_least_delay_ = G_MAXINT64;
  frames_ = 0;
}

bool
QosTracker::record (const Report &report, GstClockTime running_time)
{
  const Lock lock (mutex_);

  report_ = report;
  if (!GST_CLOCK_TIME_IS_VALID (running_time)) {
    earliest_ = GST_CLOCK_TIME_NONE;
    return true;
  }
  /* Queued frames are as late as this one: catch up by twice the jitter. */
  const GstClockTimeDiff jitter = report.jitter;
  earliest_ = std::max<GstClockTimeDiff> (
      0, running_time + (jitter > 0 ? 2 * jitter : jitter));
  if (jitter <= 0 || !GST_CLOCK_TIME_IS_VALID (last_synchronous_))
    return true;
  /* Allow twice the inference time for queued frames to drain. Timestamps may
   * jump in both directions. */
  return std::abs (GST_CLOCK_DIFF (last_synchronous_, running_time)) >
         (GstClockTimeDiff)(2 * p95_);
}

bool
QosTracker::record (GstEvent *event)
{
  Report report;
  GstClockTime running_time;

  gst_event_parse_qos (
      event, NULL, &report.proportion, &report.jitter, &running_time);
  return record (report, running_time);
}

QosTracker::Report
QosTracker::report () const
{
  const Lock lock (mutex_);
  return report_;
}

/* Returns how much later a frame arrived than the fastest recent one. */
GstClockTimeDiff
QosTracker::waiting_time (GstClockTimeDiff delay)
{
  if (frames_++ % kWindow == 0) {
    previous_least_delay_ = least_delay_;
    least_delay_ = delay;
  }
  least_delay_ = std::min (least_delay_, delay);
  return delay - std::min (least_delay_, previous_least_delay_);
}

bool
QosTracker::is_late (GstClockTime running_time, GstClockTime now)
{
  const Lock lock (mutex_);

  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return false;
  bool late = GST_CLOCK_TIME_IS_VALID (earliest_) && running_time <= earliest_;
  if (GST_CLOCK_TIME_IS_VALID (now))
    late |= waiting_time (GST_CLOCK_DIFF (running_time, now)) >
            GST_CLOCK_DIFF (p95_, latency_);
  /* The difference may be negative: camera timestamps also jump back. */
  return late && GST_CLOCK_TIME_IS_VALID (last_inferred_) &&
         std::abs (GST_CLOCK_DIFF (last_inferred_, running_time)) <
             (GstClockTimeDiff)GST_SECOND;
}

void
QosTracker::inferred (GstClockTime running_time, bool synchronous)
{
  const Lock lock (mutex_);

  last_inferred_ = running_time;
  if (synchronous)
    last_synchronous_ = running_time;
}

bool
QosTracker::update_latency (GstClockTime p95)
{
  const Lock lock (mutex_);
  /* Add one step of slack, so that a frame that waited a little is not late. */
  const GstClockTime needed = (p95 + 2 * kStep - 1) / kStep * kStep;

  p95_ = p95;
  below_ = needed * 2 <= latency_ ? below_ + 1 : 0;
  if (needed <= latency_ && below_ < kTimesBelow)
    return false;
  below_ = 0;
  latency_ = needed;
  return true;
}

} // namespace fastscnn
