/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "cpu/painter/row.h"

namespace fastscnn {

/// Mixes paint into all components of frames of one kind, row by row.
class Blender {
 public:
  void configure(const FrameInfo &frame);

  const PaintLayout &layout() const { return layout_; }

  /// Paints the rows begin (even) to end - 1. Rows beyond are not painted
  /// where they are part of the frame, or are like the nearest one.
  void blend(const Frame &frame, int begin, int end, PaintSource *source);

 private:
  /// Neighbouring pixels that a sample averages, from `first` on, seen from
  /// its first pixel (index << shift): one, two alike, or 1 2 1.
  struct Taps {
    int first = 0;
    int count = 1;
  };

  /// Samples that follow one another at the same distance in the rows of a
  /// plane: a component's, or those of two in turn.
  struct Lane {
    int plane = 0;
    int offset = 0;  // bytes
    int step = 1;    // bytes, 1 or 2
    int components = 1;
    int channel[2] = {};
    int shift_x = 0, shift_y = 0;
    Taps x, y;
    int columns = 0, rows = 0;  // samples of a component
    int next = 0;               // row that is painted next
  };

  static Taps make_taps(float origin, int shift);
  void make_lanes(const FrameInfo &frame);

  const PaintRow &row(const Lane &lane, int y, int t) const;
  void blend_row(const Frame &frame, const Lane &lane);
  void average(const Lane &lane, int y, int begin, int end);

  static constexpr int kRing = 4;  // samples average three rows at most

  PaintLayout layout_;
  int width_ = 0, height_ = 0;
  int begin_ = 0, end_ = 0;  // rows that are being painted
  std::vector<Lane> lanes_;
  PaintRow ring_[kRing];
  std::vector<uint16_t> sums_[3];       // keep and colours of averaged rows
  std::vector<uint16_t> keep_, color_;  // of samples
  std::vector<uint8_t> touched_;
};

}  // namespace fastscnn
