/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/classmask/gstclassmaskclasses.h>

#include <string>
#include <vector>

#include "gst/overlay/settings.h"

namespace fastscnn
{

/// Makes of settings and a class table what a painter draws. Reads lists of
/// classes and palettes only when they or the table changed.
class OverlayStyle
{
public:
  OverlayStyle () = default;
  ~OverlayStyle ();
  OverlayStyle (const OverlayStyle &) = delete;
  OverlayStyle &operator= (const OverlayStyle &) = delete;

  /// Appends to `complaints` what is wrong with the lists, when it reads them.
  void update (const OverlaySettings &settings, GstClassMaskClasses *classes,
      std::vector<std::string> *complaints);

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
      const OverlaySettings &settings, std::vector<std::string> *complaints);

  GstClassMaskClasses *classes_ = nullptr;
  Labels labels_;
  std::string list_, alpha_list_;
  std::shared_ptr<const Palette> palette_;
  std::vector<ClassColor> colors_; // of the palette
  std::vector<bool> drawn_;
  std::vector<float> strengths_; // below 0: not said
  PaintStyle paint_;
};

} // namespace fastscnn
