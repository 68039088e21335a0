// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/blend.h"

#include <algorithm>
#include <cmath>

#include "cpu/painter/loops.h"

namespace fastscnn {

Blender::Window Blender::make_window(float origin, int shift) {
  if (shift == 0) return {0, 1};
  // The area of a sample begins at the edge or in the middle of a pixel.
  const float begin = origin - 0.5f;
  const int first = static_cast<int>(std::floor(begin));
  return {first, begin > float(first) ? 3 : 2};
}

void Blender::find_samples(const FrameInfo &frame) {
  samples_.clear();
  if (layout_.packed) {
    Samples s;
    s.channel[0] = 1;
    s.columns = frame.width;
    s.rows = frame.height;
    samples_.push_back(s);
    return;
  }
  for (int c = 0; c < frame.components; c++) {
    const Component &k = frame.component[c];
    const auto shares = [&](const Samples &s) {
      return s.plane == k.plane && s.shift_x == k.shift_x &&
             s.shift_y == k.shift_y;
    };
    const auto other = std::find_if(samples_.begin(), samples_.end(), shares);
    if (other != samples_.end()) {
      other->components = 2;
      other->stride = k.pixel_stride / 2;
      other->channel[1] = 1 + c;
      if (k.offset < other->offset) {
        std::swap(other->channel[0], other->channel[1]);
        other->offset = k.offset;
      }
      continue;
    }
    Samples s;
    s.plane = k.plane;
    s.offset = k.offset;
    s.stride = k.pixel_stride;
    s.channel[0] = 1 + c;
    s.shift_x = k.shift_x;
    s.shift_y = k.shift_y;
    s.x = make_window(k.origin_x, k.shift_x);
    s.y = make_window(k.origin_y, k.shift_y);
    s.columns = component_width(frame, c);
    s.rows = component_height(frame, c);
    samples_.push_back(s);
  }
}

void Blender::configure(const FrameInfo &frame) {
  layout_ = PaintLayout(frame);
  width_ = frame.width;
  height_ = frame.height;
  find_samples(frame);
  for (PaintRow &row : rows_) row.configure(layout_, width_);
  const size_t size = size_t(width_) + 2 * PaintRow::kMargin;
  for (auto &means : means_) means.resize(size);
  keep_.resize(size);
  color_.resize(size);
  touched_.resize(width_ / PaintRow::kBlock + 1);
}

/// Row t of the window of sample row y.
const PaintRow &Blender::row(const Samples &s, int y, int t) const {
  const int at = (y << s.shift_y) + s.y.first + t;
  return rows_[std::clamp(at, begin_, end_ - 1) % kRows];
}

/// Averages the paint of the samples begin to end - 1 into keep_ and color_.
void Blender::average(const Samples &s, int y, int begin, int end) {
  const PaintRow *rows[3] = {};
  for (int t = 0; t < s.y.count; t++) rows[t] = &row(s, y, t);
  const int first = (begin << s.shift_x) + s.x.first;
  const int count = ((end - 1) << s.shift_x) + s.x.first + s.x.count - first;
  const uint16_t *in[3] = {};
  for (int i = 0; i <= s.components; i++) {
    const int channel = i ? s.channel[i - 1] : 0;
    const auto from = [&](int t) {
      return rows[t] ? rows[t]->channel(channel) + first : nullptr;
    };
    in[i] = from(0);
    if (s.y.count > 1) {
      average_rows(from(0), from(1), from(2), count, means_[i].data());
      in[i] = means_[i].data();
    }
  }
  average_columns(s.x.count, in[0], in[1], in[2], end - begin, keep_.data(),
                  color_.data());
}

/// Blends the next row of samples; all rows in its window have been made.
void Blender::blend_row(const Frame &frame, const Samples &s) {
  constexpr int kBlock = PaintRow::kBlock;
  const int y = s.next;
  uint8_t *samples =
      frame.data[s.plane] + ptrdiff_t(y) * frame.stride[s.plane] + s.offset;
  const bool averages = s.x.count > 1 || s.y.count > 1;
  const int blocks = (width_ + kBlock - 1) / kBlock;
  std::fill(touched_.begin(), touched_.end(), 0);
  for (int t = 0; t < s.y.count; t++)
    for (int b = 0; b < blocks; b++) touched_[b] |= row(s, y, t).touched()[b];

  for (int b = 0; b < blocks; b++) {
    if (!touched_[b]) continue;
    const int first = (b * kBlock) >> s.shift_x;
    while (b < blocks && touched_[b]) b++;
    const int last = b == blocks ? s.columns : (b * kBlock) >> s.shift_x;
    const int values = layout_.entries * s.components;
    const uint16_t *keep = keep_.data(), *color = color_.data();
    if (averages) {
      average(s, y, first, last);
    } else {
      const PaintRow &paint = row(s, y, 0);
      keep = paint.channel(0) + first * values;
      color = paint.channel(s.channel[0]) + first * values;
    }
    const auto blend = s.stride == 1 ? blend_bytes : blend_every_other;
    blend(samples + ptrdiff_t(first) * values * s.stride,
          (last - first) * values, keep, color);
  }
}

void Blender::blend(const Frame &frame, int begin, int end,
                    PaintSource *source) {
  begin_ = begin;
  end_ = end;
  for (Samples &s : samples_) s.next = begin >> s.shift_y;
  for (int y = begin; y < end; y++) {
    PaintRow &row = rows_[y % kRows];
    row.begin();
    source->make(y, &row);
    row.end();
    for (Samples &s : samples_) {
      const int reach = s.y.first + s.y.count - 1;
      const int rows = end == height_ ? s.rows : end >> s.shift_y;
      while (s.next < rows &&
             std::min((s.next << s.shift_y) + reach, end - 1) <= y) {
        blend_row(frame, s);
        s.next++;
      }
    }
  }
}

}  // namespace fastscnn
