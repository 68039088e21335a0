/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gst/overlay/classlist.h"
#include "net/painter.h"

namespace fastscnn
{

enum class LegendCorner {
  kNone,
  kTopLeft,
  kTopRight,
  kBottomLeft,
  kBottomRight
};

/// The data for a legend.
struct LegendContent {
  LegendCorner corner = LegendCorner::kNone;
  int frame_width = 0, frame_height = 0;
  const Labels *labels = nullptr;
  const Rgba *colors = nullptr;     ///< of 256 values; a = 0: not listed
  const uint64_t *counts = nullptr; ///< pixels of each of 256 values
};

/// A list of the classes in view with colour, label and percentage of the mask,
/// in a corner of the frame. It is redrawn only when it changes. To avoid
/// flicker, classes keep their order, and enter the list at a higher percentage
/// than they leave it.
class Legend
{
public:
  /// Whether the plugin was built with a text library.
  static bool available ();

  void update (const LegendContent &content);

  /// Null if no class is in view.
  const PaintImage *
  image () const
  {
    return image_.width ? &image_ : nullptr;
  }

private:
  struct Row {
    std::string label;
    std::string share;
    Rgba color;
  };
  friend bool operator== (const Row &a, const Row &b);

  std::vector<Row> make_rows (const LegendContent &content);
  void draw ();
  void place ();

  bool in_view_[256] = {};
  LegendCorner corner_ = LegendCorner::kNone;
  int frame_width_ = 0, frame_height_ = 0;
  std::vector<Row> rows_;
  std::vector<uint8_t> pixels_;
  PaintImage image_;
};

} // namespace fastscnn
