/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/paint-contour.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace fastscnn
{
namespace
{

void
merge (uint8_t *__restrict low, uint8_t *__restrict high,
    const uint8_t *__restrict row_low, const uint8_t *__restrict row_high,
    int count)
{
  for (int x = 0; x < count; x++) {
    low[x] = std::min (low[x], row_low[x]);
    high[x] = std::max (high[x], row_high[x]);
  }
}

// Reads one byte beyond either end.
void
widen (const uint8_t *__restrict low, const uint8_t *__restrict high,
    uint8_t *__restrict wide_low, uint8_t *__restrict wide_high, int count)
{
  for (int x = 0; x < count; x++) {
    wide_low[x] = std::min (std::min (low[x - 1], low[x]), low[x + 1]);
    wide_high[x] = std::max (std::max (high[x - 1], high[x]), high[x + 1]);
  }
}

void
keep_outline (uint8_t *__restrict out, const uint8_t *__restrict in,
    const uint8_t *__restrict low, const uint8_t *__restrict high, int count)
{
  for (int x = 0; x < count; x++)
    out[x] = low[x] == high[x] ? kOutside : in[x];
}

// So that a window at the end of a row sees the row's pixels only.
void
repeat_ends (uint8_t *row, int count)
{
  row[-1] = row[0];
  row[count] = row[count - 1];
}

} // namespace

void
Outliner::configure (int frame_width, int frame_height)
{
  width_ = frame_width;
  height_ = frame_height;
  radius_ = 0;
  outlines_.assign (size_t (width_) * height_, kOutside);
  window_.assign (4 * (size_t (width_) + 2), 0);
}

void
Outliner::prepare (int radius)
{
  radius_ = radius;
  rows_of_.assign (radius + 1, {});
  for (int dy = 0; dy <= radius; dy++) {
    const int half = static_cast<int> (std::sqrt (radius * radius - dy * dy));
    rows_of_[half].push_back (dy);
  }
  ring_.resize (size_t (2 * radius + 1) * 2 * width_);
}

Outliner::Extremes
Outliner::extremes (int y)
{
  const size_t slot = y % (2 * radius_ + 1);
  uint8_t *low = ring_.data () + slot * 2 * width_;
  return { low, low + width_ };
}

// Adds a row to the discs of all rows that reach it.
void
Outliner::spread (const uint8_t *row, int y, int columns, const Bounds &part)
{
  const size_t line = size_t (width_) + 2;
  uint8_t *low = window_.data () + 1, *high = low + line;
  uint8_t *wide_low = high + line, *wide_high = wide_low + line;
  std::memcpy (low, row, columns);
  std::memcpy (high, row, columns);
  for (int half = 0; half <= radius_; half++) {
    if (half > 0) {
      repeat_ends (low, columns);
      repeat_ends (high, columns);
      widen (low, high, wide_low, wide_high, columns);
      std::swap (low, wide_low);
      std::swap (high, wide_high);
    }
    for (int dy : rows_of_[half]) {
      for (int to : { y - dy, y + dy }) {
        if (to < part.y0 || to >= part.y1)
          continue;
        Extremes e = extremes (to);
        merge (e.low, e.high, low, high, columns);
        if (dy == 0)
          break;
      }
    }
  }
}

void
Outliner::finish (const Values &values, int y)
{
  const Bounds &part = values.covered;
  const uint8_t *in = values.row (y) + part.x0;
  uint8_t *out = outlines_.data () + size_t (y) * width_ + part.x0;
  const Extremes e = extremes (y);
  keep_outline (out, in, e.low, e.high, part.x1 - part.x0);
}

Values
Outliner::outline (const Values &values, int width)
{
  if (width != radius_)
    prepare (width);
  const Bounds &part = values.covered;
  const int columns = part.x1 - part.x0;
  if (part != part_) {
    part_ = part;
    std::fill (outlines_.begin (), outlines_.end (), kOutside);
  }
  if (part.empty ())
    return { outlines_.data (), width_, part };
  const auto begin = [&] (int y) {
    if (y >= part.y1)
      return;
    Extremes e = extremes (y);
    std::memset (e.low, 255, columns);
    std::memset (e.high, 0, columns);
  };
  for (int y = part.y0; y < part.y0 + radius_; y++)
    begin (y);
  for (int y = part.y0; y < part.y1; y++) {
    begin (y + radius_);
    spread (values.row (y) + part.x0, y, columns, part);
    if (y - radius_ >= part.y0)
      finish (values, y - radius_);
  }
  for (int y = std::max (part.y0, part.y1 - radius_); y < part.y1; y++)
    finish (values, y);
  return { outlines_.data (), width_, part };
}

} // namespace fastscnn
