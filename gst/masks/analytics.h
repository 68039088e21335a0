// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/classmask/classmask.h>

namespace fastscnn
{

/// Whether the plugin was built with GStreamer's analytics library; without
/// it, writers write nothing and readers find nothing.
bool analytics_available ();

/// Attaches masks a second time, as GstAnalyticsSegmentationMtd, which
/// elements know that know nothing of this project.
class AnalyticsWriter
{
public:
  AnalyticsWriter ();
  ~AnalyticsWriter ();
  AnalyticsWriter (const AnalyticsWriter &) = delete;
  AnalyticsWriter &operator= (const AnalyticsWriter &) = delete;

  /// Attaches what meta says to the buffer: a mask whose regions are the
  /// classes, with id = class + 1 and 0 for unknown, and a GstAnalyticsClsMtd
  /// with their names, "unlabeled" the first. The mask is copied when it is
  /// another one than the last time. False if it cannot be read.
  bool attach (GstBuffer *buffer, const GstClassMaskMeta &meta);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Makes class masks of the GstAnalyticsSegmentationMtd of other producers.
class AnalyticsReader
{
public:
  AnalyticsReader ();
  ~AnalyticsReader ();
  AnalyticsReader (const AnalyticsReader &) = delete;
  AnalyticsReader &operator= (const AnalyticsReader &) = delete;

  /// The newest segmentation of a frame, copied; ids of regions become ids of
  /// classes. Unknown is what has an id over 253, or a region named background
  /// or unlabeled, and id 0 unless a region with another name has it. Null if
  /// there is no segmentation, or none that can be read. Valid until the next
  /// call; as long as the names stay the same, so does the class table.
  GstClassMaskMeta *read (GstBuffer *frame);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace fastscnn
