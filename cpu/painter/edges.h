/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/row.h"

namespace fastscnn {

/// Finds the pixels that have one of another value near them: those with two
/// neighbours of different values in the shape around them.
class Edges {
 public:
  enum class Shape { kDisc, kSquare };

  void configure(int frame_width);

  /// Looks at `part` only. Call for each frame; allocates nothing unless the
  /// shape differs from the last call.
  void begin(const Values &values, const Bounds &part, Shape shape, int radius);

  /// Of row y a bit for each pixel x: bit x % 64 of word x / 64. Those outside
  /// of the part mean nothing. Rows are asked for from the first of the part to
  /// the last one.
  const uint64_t *near(int y);

 private:
  void set_shape(Shape shape, int radius);
  uint64_t *near_row(int y);
  bool compare(const uint8_t *a, const uint8_t *b, int begin);
  void widen(bool right);
  void mark(int y);
  void spread(int y);

  int width_ = 0;
  size_t words_ = 0;  // of a row
  Values values_;
  Bounds part_;
  Shape shape_ = Shape::kDisc;
  int radius_ = -1;
  int next_ = 0;                            // row of values to look at
  std::vector<std::vector<int> > rows_of_;  // distances, by half width there
  std::vector<uint64_t> ring_;              // results: 2 * radius + 1 rows
  std::vector<uint64_t> bits_, wider_;      // a word more at either end
};

/// The first pixel from `begin` on whose bit is `value`, at most `end`.
int find_bit(const uint64_t *bits, bool value, int begin, int end);

/// Paints the outlines of regions.
class Outlines : public PaintSource {
 public:
  void configure(int frame_width);

  /// width: 1..kMaxContourWidth. Call for each frame; values and table must
  /// stay valid while paint is made.
  void begin(const Values &values, const PaintTable &table, int width);

  void make(int y, PaintRow *row) override;

 private:
  int width_ = 0;
  Values values_;
  const PaintTable *table_ = nullptr;
  Edges edges_;
};

}  // namespace fastscnn
