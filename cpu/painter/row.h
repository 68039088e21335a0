/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/painter/framecolors.h"

namespace fastscnn {

/// How the paint of a row is stored for frames of one kind: in channels of
/// 16-bit entries. The first channel is keep, of which 1 << 15 is all; the
/// others are colours, of which 1 << 7 is one, with half of that added, so that
/// samples are rounded.
///
/// Formats that keep all components of a pixel side by side (RGB, BGRx, GRAY8)
/// have one channel of colours and an entry for each byte of a pixel: paint
/// lies as the frame does. The others have a channel for each component and
/// one entry a pixel.
struct PaintLayout {
  PaintLayout() = default;
  explicit PaintLayout(const FrameInfo &frame);

  bool packed = false;
  int components = 3;
  int entries = 1;      ///< of a pixel
  int channels = 4;     ///< keep and the colours
  int offset[3] = {};   ///< of a component among the entries of a pixel
  int channel[3] = {};  ///< that has the colour of a component
};

/// Which paint stands for each value, prepared for one kind of frame.
class PaintTable {
 public:
  Paint &operator[](int value) { return paint_[value]; }
  const Paint &operator[](int value) const { return paint_[value]; }

  /// Call after paints changed. Allocates at first only.
  void prepare(const PaintLayout &layout);

 private:
  friend class PaintRow;

  Paint paint_[256];
  std::vector<uint16_t> patterns_;  // (256, channels, PaintRow::kPattern)
};

/// The paint of all pixels of a row, written from left to right.
class PaintRow {
 public:
  void configure(const PaintLayout &layout, int width);

  void begin();

  /// The pixels up to `end` have the paint of a value.
  void add(const PaintTable &table, int value, int end) {
    if (!table.paint_[value].leaves_all()) touch(end);
    fill(&table.patterns_[size_t(value) * channels_ * kPattern], end);
  }

  /// The pixels up to `end` are not painted.
  void skip(int end) { fill(nothing_.data(), end); }

  /// The next pixel.
  void add(const Paint &paint);

  /// Call when all pixels have been added: beyond the ends of the row, the
  /// nearest pixel counts.
  void end();

  /// Entries can be read from kMargin pixels before the first one on, and as
  /// far beyond the last one.
  const uint16_t *channel(int i) const {
    return data_.data() + i * pitch_ + kBefore;
  }

  /// Of each kBlock pixels, whether samples that average them or those up to
  /// kMargin to their left may change.
  const uint8_t *touched() const { return touched_.data(); }

  static constexpr int kBlock = 64;
  static constexpr int kMargin = 2;
  static constexpr int kPattern = 48;  // entries; formats repeat after 1, 3, 4

 private:
  static constexpr int kLanes = 16;   // entries that are written at once
  static constexpr int kBefore = 16;  // entries in front of the first pixel

  void touch(int end) {
    for (int b = x_ / kBlock; b <= (end - 1 + kMargin) / kBlock; b++)
      touched_[b] = 1;
  }

  /// Writes whole vectors: what lies behind the end is written again.
  void fill(const uint16_t *patterns, int end);

  PaintLayout layout_;
  int channels_ = 0;
  int width_ = 0;
  int x_ = 0;  // next pixel
  size_t pitch_ = 0;
  std::vector<uint16_t> data_;
  std::vector<uint16_t> nothing_;  // the patterns of what is not painted
  std::vector<uint8_t> touched_;
};

/// Says what is painted.
class PaintSource {
 public:
  virtual ~PaintSource() = default;

  /// Adds all pixels of a row. Called for each row from the first that is
  /// painted to the last.
  virtual void make(int y, PaintRow *row) = 0;
};

}  // namespace fastscnn
