// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gst/base/gstframefilter.h"
#include "gst/overlay/maskcomposer.h"
#include "gst/overlay/settings.h"
#include "gst/overlay/style.h"
#include "gst/overlay/zoneoutlines.h"

namespace fastscnn
{

/// Draws masks, the outlines of their zones and a legend into frames, as the
/// settings say. Not thread-safe.
class FramePainter
{
public:
  /// Prepares for frames of this description. cuda_context: NULL for frames in
  /// host memory.
  Result<> configure (const FrameInfo &info, gpointer cuda_context);

  /// Redraws the legend with the next frame instead of the next period.
  void
  renew_legend ()
  {
    legend_time_ = GST_CLOCK_TIME_NONE;
  }

  /// Draws masks, at least one; covers the frame if privacy requires it.
  /// background: as for OverlayStyle. now: the timestamp of the frame. Appends
  /// a sentence to `warnings` for every mistake in the settings.
  Result<> paint (const OverlaySettings &settings, const Masks &masks,
      bool background, const GstFrameFilterView &view, GstClockTime now,
      std::vector<std::string> *warnings);

  /// Covers the whole frame.
  Result<> cover (
      const OverlaySettings &settings, const GstFrameFilterView &view);

private:
  Result<> paint_masks (const OverlaySettings &settings, const Masks &masks,
      bool background, const GstFrameFilterView &view, bool compose);
  Result<> draw_zones (const OverlaySettings &settings, const Masks &masks,
      const GstFrameFilterView &view);
  Result<> draw_legend (const OverlaySettings &settings, const Masks &masks,
      const GstFrameFilterView &view, bool composed, GstClockTime now);

  FrameInfo info_;
  std::unique_ptr<Painter> painter_;
  std::unique_ptr<Painter> zone_painter_; // for info_, once needed
  gpointer cuda_context_ = NULL;          // of the painters; NULL for the CPU's
  OverlayStyle style_;
  PaintStyle cover_; // for frames without a mask
  MaskComposer composer_;
  ZoneOutlines zones_;
  Legend legend_;
  GstClockTime legend_time_ = GST_CLOCK_TIME_NONE;
};

} // namespace fastscnn
