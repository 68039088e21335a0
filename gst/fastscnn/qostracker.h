// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <mutex>

#include <gst/gst.h>

namespace fastscnn
{

/// Decides which frames are too late for an inference, and how much latency
/// inferences add. Thread-safe: frames come from the streaming thread, QOS
/// events from others.
class QosTracker
{
public:
  struct Report {
    gdouble proportion = 1.0;
    GstClockTimeDiff jitter = 0;
  };

  /// Starts over, for a new stream.
  void start ();
  /// Resets lateness (seek), but keeps inference times and latency.
  void flush ();

  /// Takes a QOS event. Returns whether to forward it upstream: false if
  /// an inference made the frame late, because then inferences are skipped, and
  /// upstream should not drop frames.
  bool record (const Report &report, GstClockTime running_time);
  bool record (GstEvent *event);
  Report report () const;

  /// Takes a frame; now: the running time in a live pipeline, otherwise none.
  /// Returns whether to skip its inference: a sink reported frames as late up
  /// to its time, or it waited too long for the previous inference. At least
  /// one frame per second is not skipped, so that the mask does not freeze.
  bool is_late (GstClockTime running_time, GstClockTime now);

  /// The frame was inferred; synchronous: it waited for the inference.
  void inferred (GstClockTime running_time, bool synchronous);

  /// p95: the 95th percentile of inference times. Returns whether latency()
  /// changed.
  bool update_latency (GstClockTime p95);

  /// The latency of synchronous inferences, rounded to steps because each
  /// change disturbs the pipeline.
  GstClockTime
  latency () const
  {
    return latency_;
  }

private:
  void clear ();
  GstClockTimeDiff waiting_time (GstClockTimeDiff delay);

  mutable std::mutex mutex_;
  Report report_;
  GstClockTime earliest_ = GST_CLOCK_TIME_NONE; // frames up to it are late
  GstClockTime last_inferred_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_synchronous_ = GST_CLOCK_TIME_NONE;

  /* The least delays of the current and the previous window of frames. */
  GstClockTimeDiff least_delay_ = G_MAXINT64;
  GstClockTimeDiff previous_least_delay_ = G_MAXINT64;
  unsigned frames_ = 0;

  GstClockTime p95_ = 0;
  unsigned below_ = 0; // updates in a row that needed at most half the latency
  std::atomic<GstClockTime> latency_{ 0 };
};

} // namespace fastscnn
