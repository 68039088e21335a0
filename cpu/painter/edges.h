// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/framemask.h"
#include "cpu/painter/row.h"

namespace fastscnn {

/// Finds the pixels near an edge: those with a pixel of another value within a
/// disc or square around them.
class Edges {
 public:
  enum class Shape { kDisc, kSquare };

  void configure(int frame_width);

  /// Begins a frame. Ignores pixels outside of `part`. Allocates nothing unless
  /// shape or radius differ from the last call.
  void begin(const FrameMask &mask, const Rect &part, Shape shape, int radius);

  /// Row y, a bit per pixel: bit x % 64 of word x / 64. Bits outside of the
  /// part are undefined. Call for consecutive rows, from the first of the part.
  const uint64_t *near(int y);

 private:
  void set_shape(Shape shape, int radius);
  uint64_t *near_row(int y);
  bool compare(const uint8_t *a, const uint8_t *b, int begin);
  void widen(bool right);
  void mark(int y);
  void spread(int y);

  int width_ = 0;
  size_t words_ = 0;  // per row
  FrameMask mask_;
  Rect part_;
  Shape shape_ = Shape::kDisc;
  int radius_ = -1;
  int next_ = 0;                           // next row to compare
  std::vector<std::vector<int>> rows_of_;  // of the shape, by half width
  std::vector<uint64_t> near_;             // line buffer: 2 * radius + 1 rows
  std::vector<uint64_t> bits_, wider_;     // with an extra word at either end
};

/// The first pixel from `begin` on whose bit is `value`, at most `end`.
int find_bit(const uint64_t *bits, bool value, int begin, int end);

/// Paints the outlines of regions: the pixels of drawn values near an edge.
class Outlines : public PaintSource {
 public:
  void configure(int frame_width);

  /// Begins a frame. width: 1..kMaxContourWidth. mask and table must stay valid
  /// until it is painted.
  void begin(const FrameMask &mask, const PaintTable &table, int width);

  void make(int y, PaintRow *row) override;

 private:
  int width_ = 0;
  FrameMask mask_;
  const PaintTable *table_ = nullptr;
  Edges edges_;
};

}  // namespace fastscnn
