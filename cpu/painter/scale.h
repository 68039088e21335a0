/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/framecolors.h"

namespace fastscnn {

/// Gives every pixel of a frame one value of a mask of another size, as
/// net/painter.h defines it.
class MaskScaler {
 public:
  void configure(int frame_width, int frame_height);

  /// The mask itself where it fits the frame, else a picture that stays valid
  /// until the next call. Allocates nothing unless the geometry changes.
  Values scale(const PaintMask &mask);

  /// A picture of kOutside.
  Values outside();

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
  PaintMask geometry_;  // that the tables were made for
  Bounds covered_;      // in the frame
  std::vector<uint8_t> values_;
  std::vector<int> column_;     // enlarge: sample left of each pixel
  std::vector<int> fraction_;   // and the weight of the next one, of 256
  std::vector<int> first_;      // first pixel whose sample is this or later
  std::vector<Span> own_x_;     // shrink: samples of each pixel and of the
  std::vector<Span> own_y_;     // pixel on either side of the covered part
  std::vector<int16_t> boxes_;  // three rows: the value of a box, or mixed
};

}  // namespace fastscnn
