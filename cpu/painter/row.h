// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/framecolors.h"

namespace fastscnn {

/// How PaintRow stores paint for frames of one format: in channels of 16-bit
/// entries. Channel 0 holds keep as fixed point with 15 fractional bits; the
/// others hold colours with 7 fractional bits, plus a half for rounding.
///
/// Packed formats without subsampling (RGB, BGRx, GRAY8) have one channel of
/// colours and an entry per byte of a pixel, in the order of the frame. Other
/// formats have a channel per component and one entry per pixel.
struct PaintLayout {
  PaintLayout() = default;
  explicit PaintLayout(const FrameInfo &frame);

  bool packed = false;
  int components = 3;
  int entries = 1;      ///< per pixel
  int channels = 4;     ///< including keep
  int offset[3] = {};   ///< of each component among the entries of a pixel
  int channel[3] = {};  ///< of each component's colour
  int alpha = -1;       ///< of the alpha among the entries of a pixel, or -1
};

/// The paint of each mask value, prepared for one format.
class PaintTable {
 public:
  Paint &operator[](int value) { return paint_[value]; }
  const Paint &operator[](int value) const { return paint_[value]; }

  /// Call after changing paints. Allocates the first time only. cuts: the paint
  /// also reduces the frame's alpha.
  void prepare(const PaintLayout &layout, bool cuts = false);

  bool cuts() const { return cuts_; }

 private:
  friend class PaintRow;

  Paint paint_[256];
  bool cuts_ = false;
  std::vector<uint16_t> patterns_;  // (256, channels, PaintRow::kPattern)
};

/// The paint of a row of pixels, written from left to right.
class PaintRow {
 public:
  void configure(const PaintLayout &layout, int width);

  void begin();

  /// Gives the pixels up to `end` the paint of a value.
  void add(const PaintTable &table, int value, int end) {
    if (!table.paint_[value].is_transparent()) touch(end);
    fill(&table.patterns_[size_t(value) * channels_ * kPattern], end);
  }

  /// Leaves the pixels up to `end` transparent.
  void skip(int end) { fill(transparent_.data(), end); }

  /// Gives the next pixel this paint. cuts: as in PaintTable::prepare().
  void add(const Paint &paint, bool cuts = false);

  /// Call after the last pixel. Repeats the pixels at both ends of the row.
  void end();

  /// The entries of the first pixel. Those of kMargin pixels before it and
  /// after the last one are readable, too.
  const uint16_t *channel(int i) const {
    return data_.data() + i * pitch_ + kBefore;
  }

  /// For each block of kBlock pixels: whether any of them, or of the kMargin
  /// pixels on its left, is painted.
  const uint8_t *touched() const { return touched_.data(); }

  static constexpr int kBlock = 64;
  static constexpr int kMargin = 2;

  /// Entries of a pattern: a multiple of the 1, 3 or 4 entries of a pixel.
  static constexpr int kPattern = 48;

 private:
  static constexpr int kLanes = 16;   // entries per vector
  static constexpr int kBefore = 16;  // entries before the first pixel

  void touch(int end) {
    for (int b = x_ / kBlock; b <= (end - 1 + kMargin) / kBlock; b++)
      touched_[b] = 1;
  }

  /// Writes whole vectors, beyond `end`; later calls overwrite the excess.
  void fill(const uint16_t *patterns, int end);

  PaintLayout layout_;
  int channels_ = 0;
  int width_ = 0;
  int x_ = 0;  // next pixel
  size_t pitch_ = 0;
  std::vector<uint16_t> data_;
  std::vector<uint16_t> transparent_;  // patterns of skipped pixels
  std::vector<uint8_t> touched_;
};

/// Produces the paint of a frame, row by row.
class PaintSource {
 public:
  virtual ~PaintSource() = default;

  /// Adds all pixels of row y. Blender calls it for consecutive rows.
  virtual void make(int y, PaintRow *row) = 0;
};

}  // namespace fastscnn
