// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/scale.h"

#include <algorithm>
#include <cstring>

#include "cpu/painter/run.h"

namespace fastscnn {
namespace {

constexpr int16_t kMixed = 256;

bool same_geometry(const PaintMask &a, const PaintMask &b) {
  return a.width == b.width && a.height == b.height && a.x == b.x &&
         a.y == b.y && a.covers_width == b.covers_width &&
         a.covers_height == b.covers_height;
}

/// The value with the most votes among four samples; on a tie the lowest.
uint8_t vote(uint8_t a0, uint8_t a1, uint8_t b0, uint8_t b1, int fx, int fy) {
  const int values[4] = {a0, a1, b0, b1};
  const int weights[4] = {(256 - fx) * (256 - fy), fx * (256 - fy),
                          (256 - fx) * fy, fx * fy};
  int winner = 0, most = -1;
  for (int i = 0; i < 4; i++) {
    int votes = 0;
    for (int j = 0; j < 4; j++)
      votes += values[j] == values[i] ? weights[j] : 0;
    if (votes > most || (votes == most && values[i] < winner)) {
      most = votes;
      winner = values[i];
    }
  }
  return static_cast<uint8_t>(winner);
}

const uint8_t *mask_row(const PaintMask &mask, int y) {
  return mask.ids + ptrdiff_t(y) * mask.stride;
}

}  // namespace

void MaskScaler::configure(int frame_width, int frame_height) {
  width_ = frame_width;
  height_ = frame_height;
  geometry_ = PaintMask();
  values_.assign(size_t(width_) * height_, kOutside);
}

FrameMask MaskScaler::outside() {
  if (geometry_.width) {
    geometry_ = PaintMask();
    std::fill(values_.begin(), values_.end(), kOutside);
  }
  return {values_.data(), width_, {0, 0, 0, 0}};
}

FrameMask MaskScaler::scale(const PaintMask &mask) {
  const bool one_to_one =
      mask.covers_width == mask.width && mask.covers_height == mask.height;
  if (one_to_one && mask.x == 0 && mask.y == 0 && mask.width == width_ &&
      mask.height == height_)
    return {mask.ids, mask.stride, {0, 0, width_, height_}};
  if (!same_geometry(mask, geometry_)) prepare(mask);
  if (one_to_one) {
    for (int y = covered_.y0; y < covered_.y1; y++)
      std::memcpy(values_.data() + size_t(y) * width_ + covered_.x0,
                  mask_row(mask, y - mask.y) + covered_.x0 - mask.x,
                  covered_.x1 - covered_.x0);
  } else if (mask.width <= mask.covers_width &&
             mask.height <= mask.covers_height) {
    enlarge(mask);
  } else {
    shrink(mask);
  }
  return {values_.data(), width_, covered_};
}

void MaskScaler::prepare(const PaintMask &mask) {
  geometry_ = mask;
  const auto clip = [](int64_t x, int size) {
    return static_cast<int>(std::clamp<int64_t>(x, 0, size));
  };
  covered_.x0 = clip(mask.x, width_);
  covered_.y0 = clip(mask.y, height_);
  covered_.x1 = clip(int64_t{mask.x} + mask.covers_width, width_);
  covered_.y1 = clip(int64_t{mask.y} + mask.covers_height, height_);
  std::fill(values_.begin(), values_.end(), kOutside);

  const int columns = covered_.x1 - covered_.x0;
  const int rows = covered_.y1 - covered_.y0;
  column_.resize(columns);
  fraction_.resize(columns);
  first_.assign(mask.width + 1, columns);
  for (int i = columns - 1; i >= 0; i--) {
    const int position = enlarge_position(covered_.x0 + i - mask.x, mask.width,
                                          mask.covers_width);
    column_[i] = position >> 8;
    fraction_[i] = position & 255;
  }
  for (int i = columns - 1, sample = mask.width - 1; i >= 0; i--)
    for (; sample > column_[i]; sample--) first_[sample] = i + 1;
  if (columns) std::fill(first_.begin(), first_.begin() + column_[0] + 1, 0);

  const auto spans = [](std::vector<Span> *out, int begin, int count, int size,
                        int covers) {
    out->resize(count + 2);
    for (int i = -1; i <= count; i++) {
      const int x = begin + i;
      const bool inside = x >= 0 && x < covers;
      (*out)[i + 1] = inside ? Span{shrink_begin(x, size, covers),
                                    shrink_end(x, size, covers)}
                             : Span{0, 0};
    }
  };
  spans(&own_x_, covered_.x0 - mask.x, columns, mask.width, mask.covers_width);
  spans(&own_y_, covered_.y0 - mask.y, rows, mask.height, mask.covers_height);
  boxes_.resize(3 * own_x_.size());
}

void MaskScaler::enlarge(const PaintMask &mask) {
  for (int y = covered_.y0; y < covered_.y1; y++) {
    const int position =
        enlarge_position(y - mask.y, mask.height, mask.covers_height);
    const int row = position >> 8;
    enlarge_row(
        mask_row(mask, row), mask_row(mask, std::min(row + 1, mask.height - 1)),
        position & 255, values_.data() + size_t(y) * width_ + covered_.x0);
  }
}

void MaskScaler::enlarge_row(const uint8_t *a, const uint8_t *b, int fraction,
                             uint8_t *out) {
  const int columns = static_cast<int>(column_.size());
  const int samples = geometry_.width;
  int end_a = 0, end_b = 0;  // of the runs that contain sample i
  for (int x = 0; x < columns;) {
    const int i = column_[x];
    if (i >= end_a) end_a = run_end(a, i, samples);
    if (i >= end_b) end_b = run_end(b, i, samples);
    if (a[i] == b[i]) {
      // Pixels between samples of one value in both rows take that value.
      const int end = std::min(end_a, end_b);
      const int stop = end == samples ? columns : first_[end - 1];
      if (stop > x) {
        std::memset(out + x, a[i], stop - x);
        x = stop;
        continue;
      }
    }
    const int next = std::min(i + 1, samples - 1);
    out[x] = vote(a[i], a[next], b[i], b[next], fraction_[x], fraction);
    x++;
  }
}

/// Finds, for each pixel of a row, the value that all of its samples have, or
/// kMixed. y counts from the row above the covered part.
void MaskScaler::shrink_boxes(const PaintMask &mask, int y,
                              int16_t *boxes) const {
  for (size_t x = 0; x < own_x_.size(); x++) {
    int16_t value = -1;  // no samples
    for (int sy = own_y_[y].begin; sy < own_y_[y].end; sy++) {
      const uint8_t *row = mask_row(mask, sy);
      for (int sx = own_x_[x].begin; sx < own_x_[x].end; sx++)
        value = value < 0 || value == row[sx] ? row[sx] : kMixed;
    }
    boxes[x] = value;
  }
}

void MaskScaler::shrink(const PaintMask &mask) {
  const int columns = covered_.x1 - covered_.x0;
  const int rows = covered_.y1 - covered_.y0;
  const size_t line = own_x_.size();
  const auto boxes = [&](int y) { return boxes_.data() + (y % 3) * line; };
  shrink_boxes(mask, 0, boxes(0));
  shrink_boxes(mask, 1, boxes(1));
  for (int y = 0; y < rows; y++) {
    shrink_boxes(mask, y + 2, boxes(y + 2));
    uint8_t *out =
        values_.data() + size_t(covered_.y0 + y) * width_ + covered_.x0;
    for (int x = 0; x < columns; x++) {
      const int16_t value = boxes(y + 1)[x + 1];
      bool agree = value != kMixed;
      for (int dy = 0; dy < 3; dy++)
        for (int dx = 0; dx < 3; dx++) {
          const int16_t near = boxes(y + dy)[x + dx];
          agree &= near == value || near < 0;
        }
      out[x] = agree ? static_cast<uint8_t>(value) : stands_out(mask, x, y);
    }
  }
}

uint8_t MaskScaler::stands_out(const PaintMask &mask, int x, int y) {
  int64_t own[256] = {}, near[256] = {};
  int64_t own_samples = 0, near_samples = 0;
  for (int dy = 0; dy < 3; dy++)
    for (int sy = own_y_[y + dy].begin; sy < own_y_[y + dy].end; sy++) {
      const uint8_t *row = mask_row(mask, sy);
      for (int dx = 0; dx < 3; dx++)
        for (int sx = own_x_[x + dx].begin; sx < own_x_[x + dx].end; sx++) {
          near[row[sx]]++;
          near_samples++;
          if (dx == 1 && dy == 1) {
            own[row[sx]]++;
            own_samples++;
          }
        }
    }
  int winner = -1;
  int64_t best = 0;
  for (int value = 0; value < 256; value++) {
    if (!own[value]) continue;
    const int64_t score =
        4 * own[value] * near_samples - 3 * near[value] * own_samples;
    if (winner < 0 || score > best) {
      winner = value;
      best = score;
    }
  }
  return static_cast<uint8_t>(winner);
}

}  // namespace fastscnn
