/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/paint-feather.h"

#include <algorithm>
#include <cmath>

namespace fastscnn
{
namespace
{

constexpr uint32_t kFull = 256; // weight of a pixel within the square
constexpr uint32_t kFine = 8;   // more steps between the two directions
constexpr int kReach = kMaxFeather / 2 + 1;
constexpr int kRing = 2 * kReach + 2;

void
add (Paint *sum, const Paint &paint, uint32_t weight)
{
  sum->keep += weight * paint.keep;
  for (int c = 0; c < 3; c++)
    sum->color[c] += weight * paint.color[c];
}

void
subtract (Paint *sum, const Paint &paint, uint32_t weight)
{
  sum->keep -= weight * paint.keep;
  for (int c = 0; c < 3; c++)
    sum->color[c] -= weight * paint.color[c];
}

Paint
scaled (const Paint &sum, float factor)
{
  Paint out;
  out.keep = static_cast<uint32_t> (sum.keep * factor + 0.5f);
  for (int c = 0; c < 3; c++)
    out.color[c] = static_cast<uint32_t> (sum.color[c] * factor + 0.5f);
  return out;
}

} // namespace

void
Feather::configure (int frame_width, int frame_height)
{
  width_ = frame_width;
  height_ = frame_height;
  ring_.assign (size_t{ kRing } * width_, Paint ());
  ring_rows_.assign (kRing, -1);
  column_.resize (width_);
  vertical_.resize (size_t (width_) + 2 * kReach);
}

void
Feather::begin (const Values &values, const PaintTable &table, float feather)
{
  values_ = values;
  table_ = &table;
  radius_ = static_cast<int> (feather / 2);
  end_weight_ =
      static_cast<uint32_t> (std::lround (kFull * (feather / 2 - radius_)));
  std::fill (ring_rows_.begin (), ring_rows_.end (), -1);
}

const Paint *
Feather::painted_row (int y)
{
  y = std::min (std::max (y, 0), height_ - 1);
  Paint *row = ring_.data () + size_t (y % kRing) * width_;
  if (ring_rows_[y % kRing] != y) {
    ring_rows_[y % kRing] = y;
    const uint8_t *values = values_.row (y);
    for (int x = 0; x < width_; x++)
      row[x] = (*table_)[values[x]];
  }
  return row;
}

void
Feather::make (int y, int x0, int x1, Paint *out)
{
  const Paint none{ 0, { 0, 0, 0 } };
  std::fill (column_.begin (), column_.end (), none);
  for (int dy = -radius_ - 1; dy <= radius_ + 1; dy++) {
    const uint32_t weight = std::abs (dy) > radius_ ? end_weight_ : kFull;
    if (weight == 0)
      continue;
    const Paint *row = painted_row (y + dy);
    for (int x = 0; x < width_; x++)
      add (&column_[x], row[x], weight);
  }
  const uint32_t weights = kFull * (2 * radius_ + 1) + 2 * end_weight_;
  Paint *vertical = vertical_.data () + kReach;
  for (int x = 0; x < width_; x++)
    vertical[x] = scaled (column_[x], float{ kFine } / weights);
  std::fill (vertical_.begin (), vertical_.begin () + kReach, vertical[0]);
  std::fill (vertical_.end () - kReach, vertical_.end (), vertical[width_ - 1]);

  Paint sum = none; // of the whole pixels around x
  for (int dx = -radius_; dx <= radius_; dx++)
    add (&sum, vertical[x0 + dx], 1);
  for (int x = x0; x < x1; x++) {
    Paint all = none;
    add (&all, sum, kFull);
    add (&all, vertical[x - radius_ - 1], end_weight_);
    add (&all, vertical[x + radius_ + 1], end_weight_);
    *out = scaled (all, 1.f / (kFine * weights));
    out++->limit ();
    add (&sum, vertical[x + radius_ + 1], 1);
    subtract (&sum, vertical[x - radius_], 1);
  }
}

} // namespace fastscnn
