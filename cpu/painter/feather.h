// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/painter/edges.h"

namespace fastscnn {

/// Paints a mask with soft edges: the paint of each pixel is the average over a
/// square around it.
class Feather : public PaintSource {
 public:
  void configure(int frame_width, int frame_height);

  /// Begins a frame. feather: 0..kMaxFeather; the square is feather + 1 pixels
  /// wide. mask and table must stay valid until the frame is painted.
  void begin(const FrameMask &mask, const PaintTable &table, float feather);

  void make(int y, PaintRow *row) override;

 private:
  /// keep and the colours of a Paint.
  typedef float PaintVector __attribute__((vector_size(16)));

  void average_columns(int y, int x0, int x1);
  void average(int y, int x0, int x1, PaintRow *row);

  int width_ = 0, height_ = 0;
  FrameMask mask_;
  const PaintTable *table_ = nullptr;
  Edges edges_;
  int radius_ = 0;        // whole pixels on either side
  float end_weight_ = 0;  // of the pixels beyond them
  float scale_ = 1;       // 1 / (sum of the weights)
  PaintVector paint_[256];
  std::vector<PaintVector> columns_;  // vertical means along a row
};

}  // namespace fastscnn
