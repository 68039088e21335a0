/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gst/overlay/legend.h"
#include "gst/overlay/palette.h"

namespace fastscnn
{

/// What to do with a frame that has no mask.
enum class OnMissing { kAuto, kPass, kCoverAll };

/// The settings of the overlay, with their defaults.
struct OverlaySettings {
  PaintMode mode = PaintMode::kBlend;
  double alpha = 0.5;
  std::string classes;
  std::string class_alpha;
  std::string palette;
  bool contours = false;
  unsigned contour_width = 2;
  double feather = 0;
  double blur_margin = 0.02;
  OnMissing on_missing = OnMissing::kAuto;
  std::string source;
  LegendCorner legend = LegendCorner::kNone;
  bool draw_unknown = false;
  uint32_t background_color = 0xff000000;
  uint64_t max_age = 0;
  bool zones = false;

  /// The palette that `palette` names.
  std::shared_ptr<const Palette> colors = std::make_shared<Palette> ();

  /// Whether the mode makes people unrecognisable. If so, cover when in doubt.
  bool
  protects_privacy () const
  {
    return mode == PaintMode::kBlur || mode == PaintMode::kPixelate;
  }

  bool
  covers_missing () const
  {
    if (on_missing == OnMissing::kAuto)
      return protects_privacy ();
    return on_missing == OnMissing::kCoverAll;
  }
};

} // namespace fastscnn
