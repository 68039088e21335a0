// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/framemask.h"
#include "net/painter.h"

namespace fastscnn {

/// Scales masks to the size of the frame, as net/painter.h defines it.
class MaskScaler {
 public:
  void configure(int frame_width, int frame_height);

  /// Returns the mask itself if it has the size of the frame, otherwise a
  /// scaled copy that is valid until the next call. Allocates nothing unless
  /// the geometry changes.
  FrameMask scale(const PaintMask &mask);

  /// A mask that is kOutside everywhere.
  FrameMask outside();

 private:
  struct Span {
    int begin, end;
  };

  void prepare(const PaintMask &mask);
  void enlarge(const PaintMask &mask);
  void enlarge_row(const uint8_t *a, const uint8_t *b, int fraction,
                   uint8_t *out);
  void shrink(const PaintMask &mask);
  void shrink_boxes(const PaintMask &mask, int y, int16_t *boxes) const;
  uint8_t stands_out(const PaintMask &mask, int x, int y);

  int width_ = 0, height_ = 0;
  PaintMask geometry_;  // of the tables
  Rect covered_;        // in the frame
  std::vector<uint8_t> values_;
  // To enlarge:
  std::vector<int> column_;    // sample on the left of each pixel
  std::vector<int> fraction_;  // weight of the one on the right, in 1/256
  std::vector<int> first_;  // first pixel whose sample is this or a later one
  // To shrink, with one more pixel on either side of the covered part:
  std::vector<Span> own_x_, own_y_;  // samples of each pixel
  std::vector<int16_t> boxes_;       // of three rows: common value, or kMixed
};

}  // namespace fastscnn
