// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/feather.h"

#include <algorithm>
#include <cmath>

#include "cpu/painter/run.h"

namespace fastscnn {

void Feather::configure(int frame_width, int frame_height) {
  width_ = frame_width;
  height_ = frame_height;
  columns_.resize(size_t(width_) + kMaxFeather + 2);
  edges_.configure(frame_width);
}

void Feather::begin(const FrameMask &mask, const PaintTable &table,
                    float feather) {
  mask_ = mask;
  table_ = &table;
  radius_ = static_cast<int>(feather / 2);
  end_weight_ = feather / 2 - float(radius_);
  scale_ = 1 / (feather + 1);
  edges_.begin(mask, {0, 0, width_, height_}, Edges::Shape::kSquare,
               radius_ + (end_weight_ > 0 ? 1 : 0));
  for (int value = 0; value < 256; value++) {
    const Paint &paint = table[value];
    paint_[value] = PaintVector{float(paint.keep), float(paint.color[0]),
                                float(paint.color[1]), float(paint.color[2])};
  }
}

/// Computes the vertical means of the pixels x0 to x1 - 1, some of which may
/// lie beyond the frame.
void Feather::average_columns(int y, int x0, int x1) {
  std::fill(columns_.begin(), columns_.begin() + (x1 - x0),
            PaintVector{0, 0, 0, 0});
  for (int dy = -radius_ - 1; dy <= radius_ + 1; dy++) {
    const float weight = (std::abs(dy) > radius_ ? end_weight_ : 1) * scale_;
    if (weight == 0) continue;
    const uint8_t *row = mask_.row(std::clamp(y + dy, 0, height_ - 1));
    for (int x = x0; x < x1; x++)
      columns_[x - x0] += paint_[row[std::clamp(x, 0, width_ - 1)]] * weight;
  }
}

void Feather::average(int y, int x0, int x1, PaintRow *row) {
  const int around = radius_ + 1;
  average_columns(y, x0 - around, x1 + around);
  for (int x = 0; x < x1 - x0; x++) {
    const PaintVector *window = &columns_[x];
    PaintVector sum = (window[0] + window[2 * around]) * end_weight_;
    for (int i = 1; i <= 2 * radius_ + 1; i++) sum += window[i];
    sum = sum * scale_ + 0.5f;
    Paint paint;
    paint.keep = static_cast<uint32_t>(sum[0]);
    for (int c = 0; c < 3; c++)
      paint.color[c] = static_cast<uint32_t>(sum[c + 1]);
    paint.limit();
    row->add(paint, table_->cuts());
  }
}

void Feather::make(int y, PaintRow *row) {
  const uint64_t *bits = edges_.near(y);
  const uint8_t *values = mask_.row(y);
  for (int x = 0; x < width_;) {
    const int begin = find_bit(bits, true, x, width_);
    const int end = find_bit(bits, false, begin, width_);
    while (x < begin) {
      const int same = run_end(values, x, begin);
      row->add(*table_, values[x], same);
      x = same;
    }
    average(y, begin, end, row);
    x = end;
  }
}

}  // namespace fastscnn
