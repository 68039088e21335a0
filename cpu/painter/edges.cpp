// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/edges.h"

#include <algorithm>
#include <cmath>

#include "cpu/painter/run.h"

namespace fastscnn {
namespace {

/// Bit i is set if byte i is not 0.
uint64_t bits_of_bytes(uint64_t bytes) {
  constexpr uint64_t kLow = UINT64_C(0x7f7f7f7f7f7f7f7f);
  const uint64_t high = ((bytes & kLow) + kLow) | bytes;
  // Moves the highest bit of byte i to bit 56 + i.
  return ((high & ~kLow) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

}  // namespace

void Edges::configure(int frame_width) {
  width_ = frame_width;
  words_ = (size_t(width_) + 63) / 64;
  radius_ = -1;
  bits_.assign(words_ + 2, 0);
  wider_.assign(words_ + 2, 0);
}

void Edges::set_shape(Shape shape, int radius) {
  shape_ = shape;
  radius_ = radius;
  rows_of_.assign(radius + 1, {});
  for (int dy = 0; dy <= radius; dy++) {
    const int half =
        shape == Shape::kSquare
            ? radius
            : static_cast<int>(std::sqrt(radius * radius - dy * dy));
    rows_of_[half].push_back(dy);
  }
  near_.assign(size_t(2 * radius + 1) * words_, 0);
}

void Edges::begin(const FrameMask &mask, const Rect &part, Shape shape,
                  int radius) {
  if (shape != shape_ || radius != radius_) set_shape(shape, radius);
  mask_ = mask;
  part_ = part;
  next_ = part.y0;
  std::fill(near_.begin(), near_.end(), 0);
}

uint64_t *Edges::near_row(int y) {
  return near_.data() + size_t(y % (2 * radius_ + 1)) * words_;
}

/// Sets bits_ where the rows differ from pixel `begin` on; false if nowhere.
bool Edges::compare(const uint8_t *a, const uint8_t *b, int begin) {
  std::fill(bits_.begin(), bits_.end(), 0);
  uint64_t any = 0;
  const auto set = [&](int x, uint64_t bits) {
    bits_[1 + x / 64] |= bits << x % 64;
    any |= bits;
  };
  int x = begin;
  for (; x < part_.x1 && x % 8; x++) set(x, a[x] != b[x]);
  for (; x + 8 <= part_.x1; x += 8)
    if (const uint64_t bytes = load_bytes(a + x) ^ load_bytes(b + x))
      set(x, bits_of_bytes(bytes));
  for (; x < part_.x1; x++) set(x, a[x] != b[x]);
  return any;
}

/// Sets the bits left of set bits and, if `right`, those right of them.
void Edges::widen(bool right) {
  const uint64_t *in = bits_.data();
  for (size_t i = 1; i <= words_; i++) {
    wider_[i] = in[i] | in[i] >> 1 | in[i + 1] << 63;
    if (right) wider_[i] |= in[i] << 1 | in[i - 1] >> 63;
  }
  std::swap(bits_, wider_);
}

void Edges::mark(int y) {
  if (y < part_.y0 || y >= part_.y1) return;
  uint64_t *out = near_row(y);
  for (size_t i = 0; i < words_; i++) out[i] |= bits_[1 + i];
}

/// Marks the pixels near an edge in row y, or between it and the row above.
void Edges::spread(int y) {
  std::fill_n(near_row(y + radius_), words_, 0);
  const uint8_t *row = mask_.row(y);
  if (compare(row, row - 1, part_.x0 + 1)) {
    for (int half = 1; half <= radius_; half++) {
      widen(half > 1);  // an edge at x separates x - 1 from x
      for (int dy : rows_of_[half]) {
        mark(y - dy);
        if (dy > 0) mark(y + dy);
      }
    }
  }
  if (y > part_.y0 && compare(row, mask_.row(y - 1), part_.x0)) {
    for (int half = 0; half <= radius_; half++) {
      if (half > 0) widen(true);
      for (int dy : rows_of_[half]) {
        if (dy == 0) continue;  // row y - 1 is one further away
        mark(y - dy);
        mark(y + dy - 1);
      }
    }
  }
}

const uint64_t *Edges::near(int y) {
  while (next_ < std::min(y + radius_ + 1, part_.y1)) spread(next_++);
  return near_row(y);
}

int find_bit(const uint64_t *bits, bool value, int begin, int end) {
  const uint64_t flip = value ? 0 : ~uint64_t{0};
  for (int x = begin; x < end; x = (x / 64 + 1) * 64)
    if (const uint64_t rest = (bits[x / 64] ^ flip) >> x % 64)
      return std::min(x + __builtin_ctzll(rest), end);
  return end;
}

void Outlines::configure(int frame_width) {
  width_ = frame_width;
  edges_.configure(frame_width);
}

void Outlines::begin(const FrameMask &mask, const PaintTable &table,
                     int width) {
  mask_ = mask;
  table_ = &table;
  edges_.begin(mask, mask.covered, Edges::Shape::kDisc, width);
}

void Outlines::make(int y, PaintRow *row) {
  const Rect &part = mask_.covered;
  if (y >= part.y0 && y < part.y1) {
    const uint64_t *bits = edges_.near(y);
    const uint8_t *values = mask_.row(y);
    for (int x = part.x0; x < part.x1;) {
      const int begin = find_bit(bits, true, x, part.x1);
      const int end = find_bit(bits, false, begin, part.x1);
      row->skip(begin);
      for (x = begin; x < end;) {
        const int same = run_end(values, x, end);
        row->add(*table_, values[x], same);
        x = same;
      }
    }
  }
  row->skip(width_);
}

}  // namespace fastscnn
