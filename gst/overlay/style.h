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

  /// Appends a sentence to `warnings` for every mistake in the lists when it
  /// parses them.
  void update (const OverlaySettings &settings, GstClassMaskClasses *classes,
      std::vector<std::string> *warnings);

  const PaintStyle &
  paint () const
  {
    return paint_;
  }
  const Labels &
  labels () const
  {
    return labels_;
  }

private:
  void read_classes (GstClassMaskClasses *classes);
  void read_lists (
      const OverlaySettings &settings, std::vector<std::string> *warnings);

  GstClassMaskClasses *classes_ = nullptr;
  Labels labels_;
  std::string list_, alpha_list_;
  std::shared_ptr<const Palette> palette_;
  std::vector<ClassColor> colors_; // from the palette
  std::vector<bool> drawn_;
  std::vector<float> strengths_; // below 0: not set
  PaintStyle paint_;
};

} // namespace fastscnn
