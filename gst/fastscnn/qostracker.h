// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <mutex>

#include <gst/gst.h>

namespace fastscnn
{

/// Decides which frames are too late to be looked at, and how much latency
/// looking at them takes. Frames come from the streaming thread, what sinks say
/// from others.
class Lateness
{
public:
  struct Report {
    gdouble proportion = 1.0;
    GstClockTimeDiff jitter = 0;
  };

  /// A new stream, of which nothing is known yet.
  void start ();
  /// Another part of it.
  void flush ();

  /// Takes a QOS event. Returns whether elements upstream should hear of it:
  /// not of frames that were held for an inference, or had to wait behind one,
  /// since skipping inferences helps, and dropping frames is not wanted.
  bool record (const Report &report, GstClockTime running_time);
  Report report () const;

  /// Takes a frame; now: the running time in a live pipeline, none otherwise.
  /// Returns whether it should go without inference: because a sink said that
  /// frames like it are late, or because it waited for the one before so long
  /// that it would not be through in time. Of a second of late frames, one is
  /// to be looked at even so, lest the mask freezes.
  bool late (GstClockTime running_time, GstClockTime now);

  /// The frame is looked at; held: it waits until that is done.
  void looked_at (GstClockTime running_time, bool held);

  /// usual: what nearly all inferences keep. Returns whether latency() changed.
  bool expect (GstClockTime usual);

  /// Of frames that wait for inferences. In steps, since each change disturbs
  /// the pipeline.
  GstClockTime
  latency () const
  {
    return latency_;
  }

private:
  void forget ();
  GstClockTimeDiff waited (GstClockTimeDiff delay);

  mutable std::mutex mutex_;
  Report report_;
  GstClockTime earliest_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_inference_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_held_ = GST_CLOCK_TIME_NONE;

  /* The least delay with which frames arrived, lately. */
  GstClockTimeDiff least_ = G_MAXINT64;
  GstClockTimeDiff least_before_ = G_MAXINT64;
  unsigned frames_ = 0;

  GstClockTime usual_ = 0;
  unsigned below_ = 0; // times in a row that less latency would do
  std::atomic<GstClockTime> latency_{ 0 };
};

} // namespace fastscnn
