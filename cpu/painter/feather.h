/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "cpu/painter/edges.h"

namespace fastscnn {

/// The paint of every pixel, averaged over a square around it, so that edges
/// fade.
class Feather : public PaintSource {
 public:
  void configure(int frame_width, int frame_height);

  /// feather: 0..kMaxFeather; the square has feather + 1 pixels a side. Call
  /// for each frame; values and table must stay valid while paint is made.
  void begin(const Values &values, const PaintTable &table, float feather);

  void make(int y, PaintRow *row) override;

 private:
  /// keep and the colours.
  typedef float Mix __attribute__((vector_size(16)));

  void average_columns(int y, int x0, int x1);
  void average(int y, int x0, int x1, PaintRow *row);

  int width_ = 0, height_ = 0;
  Values values_;
  const PaintTable *paint_ = nullptr;
  Edges edges_;
  int radius_ = 0;        // whole pixels on either side
  float end_weight_ = 0;  // of the pixel beyond, of a whole one
  float scale_ = 1;       // one over all weights of a line
  Mix table_[256];
  std::vector<Mix> columns_;  // their means, of one row
};

}  // namespace fastscnn
