// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/cells.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/painter/loops.h"
#include "cpu/painter/run.h"

namespace fastscnn {
namespace {

void add_bytes(uint32_t *__restrict sums, const uint8_t *__restrict bytes,
               int count) {
  for (int i = 0; i < count; i++) sums[i] += bytes[i];
}

/// One box filter along a line of cells.
void box_filter(float *line, int count, int step, float *scratch) {
  constexpr int kSize = 2 * kBlurRadius + 1;
  for (int i = -kBlurRadius; i < count + kBlurRadius; i++)
    scratch[i + kBlurRadius] = line[std::clamp(i, 0, count - 1) * step];
  for (int i = 0; i < count; i++) {
    float sum = 0;
    for (int t = 0; t < kSize; t++) sum += scratch[i + t];
    line[i * step] = sum / kSize;
  }
}

}  // namespace

void Cells::configure(const FrameInfo &frame, int side) {
  info_ = frame;
  side_ = side;
  columns_ = (frame.width + side - 1) / side;
  rows_ = (frame.height + side - 1) / side;
  covered_.assign(size_t(columns_) * rows_, 0);
  faded_ = covered_;
  int bytes = 0;
  for (int p = 0; p < frame.planes; p++)
    bytes = std::max(bytes, frame.row_bytes[p]);
  sums_.resize(bytes);
  scratch_.resize(std::max(columns_, rows_) + 2 * kBlurRadius);
  strength_.resize(columns_);
  color_.resize(columns_);
  for (int c = 0; c < frame.components; c++) {
    const Component &k = frame.component[c];
    const int samples = component_width(frame, c);
    means_[c].assign(covered_.size(), 0.f);
    weight_[c].resize(samples);
    begin_[c].assign(columns_ + 2, samples);
    begin_[c][0] = 0;
    int next = 1;
    for (int i = 0; i < samples; i++) {
      const float center = k.origin_x + float(i << k.shift_x);
      const float u = (center + 0.5f) / side - 0.5f;
      weight_[c][i] = u - std::floor(u);
      for (; next <= columns_ && u >= next - 1; next++) begin_[c][next] = i;
    }
  }
}

void Cells::cover_all() { std::fill(covered_.begin(), covered_.end(), 1); }

bool Cells::cover(const FrameMask &mask, const bool drawn[256], int margin) {
  std::fill(covered_.begin(), covered_.end(), 0);
  bool any = false;
  const Rect &part = mask.covered;
  for (int y = part.y0; y < part.y1; y++) {
    const uint8_t *row = mask.row(y);
    const int first_row = std::max(y - margin, 0) / side_;
    const int last_row = std::min(y + margin, info_.height - 1) / side_;
    for (int x = part.x0; x < part.x1;) {
      const int end = run_end(row, x, part.x1);
      if (drawn[row[x]]) {
        any = true;
        const int first = std::max(x - margin, 0) / side_;
        const int last = std::min(end - 1 + margin, info_.width - 1) / side_;
        for (int r = first_row; r <= last_row; r++)
          std::memset(&covered_[size_t(r) * columns_ + first], 1,
                      last - first + 1);
      }
      x = end;
    }
  }
  return any;
}

int Cells::first_sample(int c, int column) const {
  return (column * side_) >> info_.component[c].shift_x;
}

int Cells::samples_end(int c, int column) const {
  return column == columns_ - 1 ? component_width(info_, c)
                                : first_sample(c, column + 1);
}

void Cells::measure(const Frame &frame) {
  for (int p = 0; p < info_.planes; p++) {
    for (int r = 0; r < rows_; r++) {
      std::fill_n(sums_.begin(), info_.row_bytes[p], 0u);
      int begin = 0, end = 0;
      for (int c = 0; c < info_.components; c++) {
        if (info_.component[c].plane != p) continue;
        const int shift = info_.component[c].shift_y;
        begin = (r * side_) >> shift;
        end = r == rows_ - 1 ? component_height(info_, c)
                             : ((r + 1) * side_) >> shift;
      }
      for (int y = begin; y < end; y++)
        add_bytes(sums_.data(), frame.data[p] + ptrdiff_t(y) * frame.stride[p],
                  info_.row_bytes[p]);
      for (int c = 0; c < info_.components; c++) {
        const Component &k = info_.component[c];
        if (k.plane != p) continue;
        for (int column = 0; column < columns_; column++) {
          const int first = first_sample(c, column);
          const int last = samples_end(c, column);
          uint64_t sum = 0;
          for (int i = first; i < last; i++)
            sum += sums_[k.offset + i * k.pixel_stride];
          means_[c][size_t(r) * columns_ + column] =
              float(sum) / float((last - first) * (end - begin));
        }
      }
    }
  }
}

void Cells::pixelate(const Frame &frame) {
  measure(frame);
  for (int c = 0; c < info_.components; c++) {
    const Component &k = info_.component[c];
    for (int y = 0; y < component_height(info_, c); y++) {
      uint8_t *samples =
          frame.data[k.plane] + ptrdiff_t(y) * frame.stride[k.plane] + k.offset;
      const int row = std::min((y << k.shift_y) / side_, rows_ - 1);
      const size_t line = size_t(row) * columns_;
      for (int column = 0; column < columns_; column++) {
        if (!covered_[line + column]) continue;
        const auto mean = static_cast<uint8_t>(means_[c][line + column] + 0.5f);
        for (int i = first_sample(c, column); i < samples_end(c, column); i++)
          samples[i * k.pixel_stride] = mean;
      }
    }
  }
}

void Cells::smooth(std::vector<float> *means) {
  for (int pass = 0; pass < 3; pass++) {
    for (int r = 0; r < rows_; r++)
      box_filter(means->data() + size_t(r) * columns_, columns_, 1,
                 scratch_.data());
    for (int column = 0; column < columns_; column++)
      box_filter(means->data() + column, rows_, columns_, scratch_.data());
  }
}

void Cells::spread_cover() {
  for (int r = 0; r < rows_; r++)
    for (int column = 0; column < columns_; column++) {
      uint8_t covered = 0;
      for (int y = std::max(r - 1, 0); y <= std::min(r + 1, rows_ - 1); y++)
        for (int x = std::max(column - 1, 0);
             x <= std::min(column + 1, columns_ - 1); x++)
          covered |= covered_[size_t(y) * columns_ + x];
      faded_[size_t(r) * columns_ + column] = covered;
    }
}

void Cells::blur_component(const Frame &frame, int c) {
  const Component &k = info_.component[c];
  const auto &begin = begin_[c];
  for (int y = 0; y < component_height(info_, c); y++) {
    uint8_t *samples =
        frame.data[k.plane] + ptrdiff_t(y) * frame.stride[k.plane] + k.offset;
    const float center = k.origin_y + float(y << k.shift_y);
    const float v = (center + 0.5f) / side_ - 0.5f;
    const int row = static_cast<int>(std::floor(v));
    const float below = v - row;
    const size_t a = size_t(std::max(row, 0)) * columns_;
    const size_t b = size_t(std::min(row + 1, rows_ - 1)) * columns_;
    for (int i = 0; i < columns_; i++) {
      const float upper = faded_[a + i] * (1.f - below);
      const float lower = faded_[b + i] * below;
      strength_[i] = upper + lower;
      color_[i] = means_[c][a + i] * upper + means_[c][b + i] * lower;
    }
    for (int i = 0; i <= columns_; i++) {
      const int left = std::max(i - 1, 0), right = std::min(i, columns_ - 1);
      if (strength_[left] == 0.f && strength_[right] == 0.f) continue;
      const Pair strength{strength_[left], strength_[right]};
      const Pair color{color_[left], color_[right]};
      uint8_t *first = samples + ptrdiff_t(begin[i]) * k.pixel_stride;
      const float *weight = weight_[c].data() + begin[i];
      const int count = begin[i + 1] - begin[i];
      replace_samples(first, k.pixel_stride, count, weight, strength, color);
    }
  }
}

void Cells::blur(const Frame &frame) {
  measure(frame);
  spread_cover();
  for (int c = 0; c < info_.components; c++) {
    smooth(&means_[c]);
    blur_component(frame, c);
  }
}

}  // namespace fastscnn
