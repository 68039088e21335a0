/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "gst/fastscnn/paint-blend.h"

namespace fastscnn
{

/// The paint of every pixel, averaged over a square around it, so that edges
/// fade. Rows are made from the top down, once each.
class Feather : public PaintRows
{
public:
  void configure (int frame_width, int frame_height);

  /// feather: 0..kMaxFeather; the square has feather + 1 pixels a side. Call
  /// for each frame; values and table must stay valid while rows are made.
  void begin (const Values &values, const PaintTable &table, float feather);

  void make (int y, int x0, int x1, Paint *row) override;

private:
  const Paint *painted_row (int y);

  int width_ = 0, height_ = 0;
  Values values_;
  const PaintTable *table_ = nullptr;
  int radius_ = -1;             // whole pixels on either side
  uint32_t end_weight_ = 0;     // of the pixel beyond, of kFull
  std::vector<Paint> ring_;     // painted rows
  std::vector<int> ring_rows_;  // which row each slot holds
  std::vector<Paint> column_;   // weighted sum of rows
  std::vector<Paint> vertical_; // their mean, with the ends repeated
};

} // namespace fastscnn
