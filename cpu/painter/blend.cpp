/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/painter/blend.h"

#include <algorithm>
#include <cmath>

#include "cpu/painter/loops.h"

namespace fastscnn {
Blender::Taps Blender::make_taps(float origin, int shift) {
  if (shift == 0) return {0, 1};
  // The sample's area begins and ends at the edges of pixels, or in the middle
  // of two.
  const float begin = origin - 0.5f;
  const int first = static_cast<int>(std::floor(begin));
  return {first, begin > static_cast<float>(first) ? 3 : 2};
}

void Blender::make_lanes(const FrameInfo &frame) {
  lanes_.clear();
  if (layout_.packed) {
    Lane lane;
    lane.channel[0] = 1;
    lane.columns = frame.width;
    lane.rows = frame.height;
    lanes_.push_back(lane);
    return;
  }
  for (int c = 0; c < frame.components; c++) {
    const Component &k = frame.component[c];
    const auto shares = [&](const Lane &l) {
      return l.plane == k.plane && l.shift_x == k.shift_x &&
             l.shift_y == k.shift_y;
    };
    const auto other = std::find_if(lanes_.begin(), lanes_.end(), shares);
    if (other != lanes_.end()) {
      other->components = 2;
      other->step = k.pixel_stride / 2;
      other->channel[1] = 1 + c;
      if (k.offset < other->offset) {
        std::swap(other->channel[0], other->channel[1]);
        other->offset = k.offset;
      }
      continue;
    }
    Lane lane;
    lane.plane = k.plane;
    lane.offset = k.offset;
    lane.step = k.pixel_stride;
    lane.channel[0] = 1 + c;
    lane.shift_x = k.shift_x;
    lane.shift_y = k.shift_y;
    lane.x = make_taps(k.origin_x, k.shift_x);
    lane.y = make_taps(k.origin_y, k.shift_y);
    lane.columns = component_width(frame, c);
    lane.rows = component_height(frame, c);
    lanes_.push_back(lane);
  }
}

void Blender::configure(const FrameInfo &frame) {
  layout_ = PaintLayout(frame);
  width_ = frame.width;
  height_ = frame.height;
  make_lanes(frame);
  for (PaintRow &row : ring_) row.configure(layout_, width_);
  const size_t most = size_t(width_) + 2 * PaintRow::kMargin;
  for (auto &sums : sums_) sums.resize(most);
  keep_.resize(most);
  color_.resize(most);
  touched_.resize(width_ / PaintRow::kBlock + 1);
}

// The paint that is tap t of row y of a lane.
const PaintRow &Blender::row(const Lane &lane, int y, int t) const {
  const int at = (y << lane.shift_y) + lane.y.first + t;
  return ring_[std::min(std::max(at, begin_), end_ - 1) % kRing];
}

// The samples begin to end - 1 of a lane, into keep_ and color_.
void Blender::average(const Lane &lane, int y, int begin, int end) {
  const PaintRow *rows[3] = {};
  for (int t = 0; t < lane.y.count; t++) rows[t] = &row(lane, y, t);
  const int first = (begin << lane.shift_x) + lane.x.first;
  const int count =
      ((end - 1) << lane.shift_x) + lane.x.first + lane.x.count - first;
  const uint16_t *in[3] = {};
  for (int i = 0; i <= lane.components; i++) {
    const int channel = i ? lane.channel[i - 1] : 0;
    const auto from = [&](int t) {
      return rows[t] ? rows[t]->channel(channel) + first : nullptr;
    };
    in[i] = from(0);
    if (lane.y.count > 1) {
      average_rows(from(0), from(1), from(2), count, sums_[i].data());
      in[i] = sums_[i].data();
    }
  }
  average_columns(lane.x.count, in[0], in[1], in[2], end - begin, keep_.data(),
                  color_.data());
}

// The row that is next, for which all rows of paint have been made.
void Blender::blend_row(const Frame &frame, const Lane &lane) {
  constexpr int kBlock = PaintRow::kBlock;
  const int y = lane.next;
  uint8_t *samples = frame.data[lane.plane] +
                     int64_t{y} * frame.stride[lane.plane] + lane.offset;
  const bool averages = lane.x.count > 1 || lane.y.count > 1;
  const int blocks = (width_ + kBlock - 1) / kBlock;
  std::fill(touched_.begin(), touched_.end(), uint8_t{0});
  for (int t = 0; t < lane.y.count; t++)
    for (int b = 0; b < blocks; b++)
      touched_[b] |= row(lane, y, t).touched()[b];

  for (int b = 0; b < blocks; b++) {
    if (!touched_[b]) continue;
    const int first = (b * kBlock) >> lane.shift_x;
    while (b < blocks && touched_[b]) b++;
    const int last = b == blocks ? lane.columns : (b * kBlock) >> lane.shift_x;
    const int values = layout_.entries * lane.components;
    const uint16_t *keep = keep_.data(), *color = color_.data();
    if (averages) {
      average(lane, y, first, last);
    } else {
      const PaintRow &paint = row(lane, y, 0);
      keep = paint.channel(0) + first * values;
      color = paint.channel(lane.channel[0]) + first * values;
    }
    const auto mix = lane.step == 1 ? mix_bytes : mix_every_other;
    mix(samples + int64_t{first} * values * lane.step, (last - first) * values,
        keep, color);
  }
}

void Blender::blend(const Frame &frame, int begin, int end,
                    PaintSource *source) {
  begin_ = begin;
  end_ = end;
  for (Lane &lane : lanes_) lane.next = begin >> lane.shift_y;
  for (int y = begin; y < end; y++) {
    PaintRow &row = ring_[y % kRing];
    row.begin();
    source->make(y, &row);
    row.end();
    for (Lane &lane : lanes_) {
      const int reach = lane.y.first + lane.y.count - 1;
      const int rows = end == height_ ? lane.rows : end >> lane.shift_y;
      while (lane.next < rows &&
             std::min((lane.next << lane.shift_y) + reach, end - 1) <= y) {
        blend_row(frame, lane);
        lane.next++;
      }
    }
  }
}

}  // namespace fastscnn
