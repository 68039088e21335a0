// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/painter/row.h"

namespace fastscnn {

/// Blends paint into all components of frames of one format, row by row.
class Blender {
 public:
  void configure(const FrameInfo &frame);

  const PaintLayout &layout() const { return layout_; }

  /// Paints the rows from `begin`, which is even, to `end` - 1. Subsampled rows
  /// at either end average as if the nearest row were repeated.
  void blend(const Frame &frame, int begin, int end, PaintSource *source);

 private:
  /// The pixels that a sample averages along one axis, relative to pixel
  /// index << shift. Weights: 1; 1 1; or 1 2 1.
  struct Window {
    int first = 0;
    int count = 1;
  };

  /// Samples that are blended together: those of one component, or of two that
  /// alternate in a plane.
  struct Samples {
    int plane = 0;
    int offset = 0;  // bytes
    int stride = 1;  // bytes from a sample to the next, 1 or 2
    int components = 1;
    int channel[2] = {};  // of each component's colour
    int shift_x = 0, shift_y = 0;
    Window x, y;
    int columns = 0, rows = 0;  // samples of a component
    int next = 0;               // next row to paint
  };

  static Window make_window(float origin, int shift);
  void find_samples(const FrameInfo &frame);

  const PaintRow &row(const Samples &s, int y, int t) const;
  void blend_row(const Frame &frame, const Samples &s);
  void average(const Samples &s, int y, int begin, int end);

  static constexpr int kRows = 4;  // more than the three that a sample averages

  PaintLayout layout_;
  int width_ = 0, height_ = 0;
  int begin_ = 0, end_ = 0;  // rows to paint
  std::vector<Samples> samples_;
  PaintRow rows_[kRows];                // line buffer: row y is y % kRows
  std::vector<uint16_t> means_[3];      // keep and colours of averaged rows
  std::vector<uint16_t> keep_, color_;  // of averaged samples
  std::vector<uint8_t> touched_;
};

}  // namespace fastscnn
