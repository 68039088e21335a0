// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/classmask/classmask.h>

namespace fastscnn
{

/// Whether the plugin was built with GStreamer's analytics library. Without it,
/// writers write nothing and readers find nothing.
bool analytics_available ();

/// Attaches masks a second time, as GstAnalyticsSegmentationMtd, for elements
/// that only understand GstAnalytics.
class AnalyticsWriter
{
public:
  AnalyticsWriter ();
  ~AnalyticsWriter ();
  AnalyticsWriter (const AnalyticsWriter &) = delete;
  AnalyticsWriter &operator= (const AnalyticsWriter &) = delete;

  /// Attaches a segmentation to the buffer in which region 0 is unknown and
  /// region id + 1 is class id, and a GstAnalyticsClsMtd with "unlabeled" and
  /// the labels. Copies the mask unless it is the same as in the last call.
  /// Returns false if the mask cannot be read or attached.
  bool attach (GstBuffer *buffer, const GstClassMaskMeta &meta);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Converts GstAnalyticsSegmentationMtd of other producers to class masks.
class AnalyticsReader
{
public:
  AnalyticsReader ();
  ~AnalyticsReader ();
  AnalyticsReader (const AnalyticsReader &) = delete;
  AnalyticsReader &operator= (const AnalyticsReader &) = delete;

  /// Copies the segmentations of a frame. Returns a buffer that carries a
  /// GstClassMaskMeta for each that can be read, valid until the next call;
  /// null if there is none. Region ids become class ids. Ids above 253,
  /// regions named background or unlabeled, and id 0 unless its region has
  /// another name become unknown. A segmentation without names of its own takes
  /// the label of the object that it is related to. A class table
  /// stays the same as long as its names do.
  GstBuffer *read (GstBuffer *frame);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace fastscnn
