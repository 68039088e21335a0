// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <mutex>

#include <gst/gst.h>

namespace fastscnn
{

/// Decides which frames are too late to be looked at, from what sinks say in
/// QOS events. Events come from the threads of sinks, frames from another.
class Lateness
{
public:
  struct Report {
    gdouble proportion = 1.0;
    GstClockTimeDiff jitter = 0;
  };

  /// Takes a QOS event. Returns whether elements upstream should hear of it:
  /// not while inference is what makes frames late, since skipping that helps
  /// and dropping frames is not wanted.
  bool record (
      gdouble proportion, GstClockTimeDiff jitter, GstClockTime running_time);

  /// Whether a frame of this running time should go without inference. One a
  /// second has to be looked at even so, lest the mask freezes.
  bool late (GstClockTime running_time) const;

  /// A frame is looked at. held: the stream waits for it.
  void inferred (GstClockTime running_time, bool held);

  Report report () const;

  /// After a flush.
  void reset ();

private:
  mutable std::mutex mutex_;
  Report report_;
  GstClockTime earliest_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_inference_ = GST_CLOCK_TIME_NONE;
  bool to_blame_ = false; // a frame was held since the last late report
};

} // namespace fastscnn
