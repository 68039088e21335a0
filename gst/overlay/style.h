/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/classmask/gstclassmaskclasses.h>

#include <string>
#include <vector>

#include "gst/overlay/settings.h"

namespace fastscnn
{

/// Turns settings and a class table into the style for a painter. Parses lists
/// of classes and applies palettes only when they or the table change.
class OverlayStyle
{
public:
  OverlayStyle () = default;
  ~OverlayStyle ();
  OverlayStyle (const OverlayStyle &) = delete;
  OverlayStyle &operator= (const OverlayStyle &) = delete;

  /// background: unknown pixels are background, as in masks from GstAnalytics.
  /// Appends a sentence to `warnings` for every mistake in the lists when it
  /// parses them.
  void update (const OverlaySettings &settings, GstClassMaskClasses *classes,
      bool background, std::vector<std::string> *warnings);

  /// Whether to cover the whole frame: in a mode that protects privacy, while
  /// a list contains a mistake, since the intended class may be in view.
  bool
  covers_frame () const
  {
    return mistaken_ && privacy_;
  }

  /// The rank of every value: where masks overlap, the highest one is drawn.
  /// See MaskComposer.
  const uint8_t *
  rank () const
  {
    return rank_;
  }

  const PaintStyle &
  paint () const
  {
    return paint_;
  }
  const Labels &
  labels () const
  {
    return names_.labels;
  }

private:
  void read_classes (GstClassMaskClasses *classes);
  void read_lists (
      const OverlaySettings &settings, std::vector<std::string> *warnings);
  void choose_colors (const OverlaySettings &settings, bool background);
  void choose_ranks ();

  GstClassMaskClasses *classes_ = nullptr;
  ClassNames names_;
  std::string list_, alpha_list_;
  std::shared_ptr<const Palette> palette_;
  std::vector<ClassColor> colors_; // from the palette
  std::vector<bool> drawn_;
  std::vector<float> strengths_; // below 0: not set
  bool mistaken_ = false; // a list names a class that the mask does not have
  bool privacy_ = false;
  PaintStyle paint_;
  uint8_t rank_[256] = {};
};

} // namespace fastscnn
