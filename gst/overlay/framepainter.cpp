// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/overlay/framepainter.h"

#include <gst/classmask/classmask.h>

#include "gst/base/moduleloader.h"
#include "gst/overlay/maskmapping.h"

namespace fastscnn
{
namespace
{

/* Slow enough to read the percentages. */
constexpr GstClockTime kLegendPeriod = 400 * GST_MSECOND;

/* cuda_context: NULL for frames in host memory. */
Result<std::unique_ptr<Painter> >
create_painter (gpointer cuda_context)
{
  Backend *backend =
      FASTSCNN_TRY (open_backend (cuda_context ? "cuda" : "cpu"));
  Device device;
  device.queue.context = cuda_context;
  return backend->create_painter (device);
}

/* Whether the masks must be merged into one image: there are several, or the
 * only one may not cover the whole frame in a mode that protects privacy. */
bool
needs_composition (const OverlaySettings &settings, const Masks &masks,
    bool background, const Rect &part)
{
  return masks.size () > 1 || (settings.protects_privacy () && !background &&
                                  !covers (masks[0], part));
}

} // namespace

Result<>
FramePainter::configure (const FrameInfo &info, gpointer cuda_context)
{
  if (!painter_ || cuda_context != cuda_context_) {
    painter_ = FASTSCNN_TRY (create_painter (cuda_context));
    cuda_context_ = cuda_context;
  }
  FASTSCNN_TRY (painter_->configure (info));
  zone_painter_.reset ();
  info_ = info;
  renew_legend ();
  return {};
}

Result<>
FramePainter::cover (
    const OverlaySettings &settings, const GstFrameFilterView &view)
{
  cover_.mode = settings.mode;
  cover_.background = from_argb (settings.background_color);
  cover_.cover_all = true;
  return painter_->paint (view.frame, PaintMask (), cover_, view.queue);
}

Result<>
FramePainter::paint_masks (const OverlaySettings &settings, const Masks &masks,
    bool background, const GstFrameFilterView &view, bool compose)
{
  const PaintStyle &style = style_.paint ();

  if (!compose) {
    const MaskMapping mapping (masks[0], view.queue.context);
    const PaintMask mask = FASTSCNN_TRY (mapping.place (view.part));
    return painter_->paint (view.frame, mask, style, view.queue);
  }
  const bool covers_rest = settings.protects_privacy () && !background;
  if (!composer_.compose (masks, view.part, style_.rank (),
          covers_rest ? GST_CLASS_MASK_UNKNOWN : kOutside,
          settings.protects_privacy ()))
    return unreadable_mask ();
  return painter_->paint (view.frame, composer_.image (), style, view.queue);
}

Result<>
FramePainter::draw_zones (const OverlaySettings &settings, const Masks &masks,
    const GstFrameFilterView &view)
{
  if (!zone_painter_) {
    auto painter = FASTSCNN_TRY (create_painter (cuda_context_));
    FASTSCNN_TRY (painter->configure (info_));
    zone_painter_ = std::move (painter);
  }
  return zones_.paint (*zone_painter_, masks, view.frame, view.part,
      settings.contour_width, view.queue);
}

/* Updates the legend at most once per period. */
Result<>
FramePainter::draw_legend (const OverlaySettings &settings, const Masks &masks,
    const GstFrameFilterView &view, bool composed, GstClockTime now)
{
  const GstClockTime then = legend_time_;
  const bool due = !GST_CLOCK_TIME_IS_VALID (then) ||
                   !GST_CLOCK_TIME_IS_VALID (now) || now < then ||
                   now - then >= kLegendPeriod;

  if (due) {
    guint64 counts[256];
    if (composed)
      composer_.count_pixels (counts);
    else if (!gst_class_mask_meta_count_pixels (masks[0], counts))
      return {};
    legend_time_ = now;

    LegendContent content;
    content.corner = settings.legend;
    content.frame_width = info_.width;
    content.frame_height = info_.height;
    content.labels = &style_.labels ();
    content.colors = style_.paint ().color;
    content.counts = counts;
    legend_.update (content);
  }
  if (const PaintImage *image = legend_.image ())
    return painter_->paint_image (view.frame, *image, view.queue);
  return {};
}

Result<>
FramePainter::paint (const OverlaySettings &settings, const Masks &masks,
    bool background, const GstFrameFilterView &view, GstClockTime now,
    std::vector<std::string> *warnings)
{
  style_.update (
      settings, composer_.merge_classes (masks), background, warnings);
  if (style_.covers_frame ())
    return cover (settings, view);

  const bool compose =
      needs_composition (settings, masks, background, view.part);
  const Result<> painted =
      paint_masks (settings, masks, background, view, compose);
  if (!painted && settings.protects_privacy ()) {
    GST_WARNING ("covering the frame: %s", painted.error ().sentence.c_str ());
    return cover (settings, view);
  }
  FASTSCNN_TRY (painted);
  if (settings.zones)
    FASTSCNN_TRY (draw_zones (settings, masks, view));
  if (settings.legend != LegendCorner::kNone)
    return draw_legend (settings, masks, view, compose, now);
  return {};
}

} // namespace fastscnn
