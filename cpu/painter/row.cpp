// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/row.h"

#include <algorithm>
#include <cstring>

namespace fastscnn {
namespace {

constexpr uint16_t kAll = 1 << 15;
constexpr uint16_t kHalf = 1 << 6;

uint16_t keep_entry(const Paint &paint) {
  return static_cast<uint16_t>(paint.keep << 7);
}

uint16_t color_entry(uint32_t color) {
  return static_cast<uint16_t>((color + 1) / 2 + kHalf);
}

void write_pattern(const PaintLayout &layout, const Paint &paint, bool cuts,
                   uint16_t *out) {
  constexpr int kSize = PaintRow::kPattern;
  std::fill_n(out, kSize, kAll);
  std::fill_n(out + kSize, (layout.channels - 1) * kSize, kHalf);
  for (int c = 0; c < layout.components; c++)
    for (int i = layout.offset[c]; i < kSize; i += layout.entries) {
      out[i] = keep_entry(paint);
      out[layout.channel[c] * kSize + i] = color_entry(paint.color[c]);
    }
  if (cuts && layout.alpha >= 0)
    for (int i = layout.alpha; i < kSize; i += layout.entries)
      out[i] = keep_entry(paint);
}

}  // namespace

PaintLayout::PaintLayout(const FrameInfo &frame) {
  components = frame.components;
  packed = true;
  for (int c = 0; c < components; c++) {
    const Component &k = frame.component[c];
    packed &= k.plane == 0 && k.shift_x == 0 && k.shift_y == 0 &&
              k.offset < k.pixel_stride;
  }
  entries = packed ? frame.component[0].pixel_stride : 1;
  channels = packed ? 2 : 1 + components;
  for (int c = 0; c < components; c++) {
    offset[c] = packed ? frame.component[c].offset : 0;
    channel[c] = packed ? 1 : 1 + c;
  }
  alpha = packed ? frame.alpha : -1;
}

void PaintTable::prepare(const PaintLayout &layout, bool cuts) {
  cuts_ = cuts;
  const size_t size = size_t(layout.channels) * PaintRow::kPattern;
  patterns_.resize(256 * size);
  for (int value = 0; value < 256; value++)
    write_pattern(layout, paint_[value], cuts, &patterns_[value * size]);
}

void PaintRow::configure(const PaintLayout &layout, int width) {
  layout_ = layout;
  channels_ = layout.channels;
  width_ = width;
  pitch_ = kBefore + size_t(width + kMargin) * layout.entries + kPattern;
  data_.assign(channels_ * pitch_, 0);
  transparent_.resize(size_t(channels_) * kPattern);
  write_pattern(layout, Paint(), false, transparent_.data());
  touched_.assign((width + kMargin) / kBlock + 1, 0);
}

void PaintRow::begin() {
  x_ = 0;
  std::fill(touched_.begin(), touched_.end(), 0);
}

void PaintRow::fill(const uint16_t *patterns, int end) {
  typedef uint16_t Lanes __attribute__((vector_size(2 * kLanes)));
  const int count = (end - x_) * layout_.entries;
  uint16_t *out = data_.data() + kBefore + size_t(x_) * layout_.entries;
  for (int c = 0; c < channels_; c++, out += pitch_, patterns += kPattern) {
    Lanes lanes[kPattern / kLanes];
    std::memcpy(lanes, patterns, sizeof lanes);
    for (int i = 0; i < count; i += kPattern)
      for (int l = 0; l < kPattern / kLanes; l++) {
        if (i + l * kLanes >= count) break;
        std::memcpy(out + i + l * kLanes, &lanes[l], sizeof lanes[l]);
      }
  }
  x_ = end;
}

void PaintRow::add(const Paint &paint, bool cuts) {
  if (!paint.is_transparent()) touch(x_ + 1);
  uint16_t *out = data_.data() + kBefore + size_t(x_) * layout_.entries;
  for (int e = 0; layout_.packed && e < layout_.entries; e++) {
    out[e] = kAll;
    out[pitch_ + e] = kHalf;
  }
  for (int c = 0; c < layout_.components; c++) {
    out[layout_.offset[c]] = keep_entry(paint);
    out[layout_.channel[c] * pitch_ + layout_.offset[c]] =
        color_entry(paint.color[c]);
  }
  if (cuts && layout_.alpha >= 0) out[layout_.alpha] = keep_entry(paint);
  x_++;
}

void PaintRow::end() {
  if (layout_.packed) return;  // no samples to average
  for (int c = 0; c < channels_; c++) {
    uint16_t *first = data_.data() + c * pitch_ + kBefore;
    std::fill_n(first - kMargin, kMargin, first[0]);
    std::fill_n(first + width_, kMargin, first[width_ - 1]);
  }
}

}  // namespace fastscnn
