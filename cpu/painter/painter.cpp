/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/painter/painter.h"

#include <algorithm>
#include <cmath>

#include "cpu/painter/blend.h"
#include "cpu/painter/cells.h"
#include "cpu/painter/edges.h"
#include "cpu/painter/feather.h"
#include "cpu/painter/run.h"
#include "cpu/painter/scale.h"

namespace fastscnn {
namespace {

bool same(const Rgba &a, const Rgba &b) {
  return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

/// Whether both lead to the same tables.
bool same_colors(const PaintStyle &a, const PaintStyle &b) {
  return a.mode == b.mode && same(a.background, b.background) &&
         std::equal(std::begin(a.color), std::end(a.color), std::begin(b.color),
                    same);
}

/// What a table says for each value.
class ValuesSource : public PaintSource {
 public:
  ValuesSource(const Values &values, const PaintTable &table, int width)
      : values_(values), table_(table), width_(width) {}

  void make(int y, PaintRow *row) override {
    const uint8_t *values = values_.row(y);
    for (int x = 0; x < width_;) {
      const int end = run_end(values, x, width_);
      row->add(table_, values[x], end);
      x = end;
    }
  }

 private:
  const Values &values_;
  const PaintTable &table_;
  int width_;
};

/// A picture, and nothing around it.
class PictureSource : public PaintSource {
 public:
  PictureSource(const FrameColors &colors, const PaintPicture &picture,
                int width)
      : colors_(colors), picture_(picture), width_(width) {}

  void make(int y, PaintRow *row) override {
    const int line = y - picture_.y;
    if (line >= 0 && line < picture_.height) {
      const int begin = std::max(picture_.x, 0);
      const int end = std::min(picture_.x + picture_.width, width_);
      const uint8_t *rgba = picture_.rgba + int64_t{line} * picture_.stride;
      row->skip(begin);
      for (int x = begin; x < end; x++)
        row->add(colors_.premultiplied(rgba + (int64_t{x} - picture_.x) * 4));
    }
    row->skip(width_);
  }

 private:
  const FrameColors &colors_;
  const PaintPicture &picture_;
  int width_;
};

class CpuPainter : public Painter {
 public:
  Result<> configure(const FrameInfo &frame) override;
  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue queue) override;
  Result<> paint_picture(const Frame &dst, const PaintPicture &picture,
                         Queue queue) override;

 private:
  void make_tables(const PaintStyle &style);
  void blend(const Frame &dst, const Values &values, const PaintTable &table);
  Paint area_paint(const PaintStyle &style, int value) const;

  FrameInfo info_;
  FrameColors colors_;
  MaskScaler scaler_;
  Blender blender_;
  Outlines outlines_;
  Feather feather_;
  Cells blur_, mosaic_;

  PaintStyle style_;  // that the tables were made for
  bool prepared_ = false;
  PaintTable area_, outline_, cover_;
  bool drawn_[256] = {};
};

Result<> CpuPainter::configure(const FrameInfo &frame) {
  info_ = frame;
  colors_ = FrameColors(frame);
  scaler_.configure(frame.width, frame.height);
  blender_.configure(frame);
  outlines_.configure(frame.width);
  feather_.configure(frame.width, frame.height);
  blur_.configure(frame, blur_cell(frame.height));
  mosaic_.configure(frame, pixelate_cell(frame.height));
  prepared_ = false;
  return {};
}

Paint CpuPainter::area_paint(const PaintStyle &style, int value) const {
  const Paint color = colors_.paint(style.color[value],
                                    drawn_[value] ? style.color[value].a : 0);
  const Paint background = colors_.paint(style.background, style.background.a);
  switch (style.mode) {
    case PaintMode::kBlend:
      return color;
    case PaintMode::kMask:
      return over(color, background);
    case PaintMode::kCutout:
      return drawn_[value] ? Paint() : background;
    default:
      return Paint();
  }
}

void CpuPainter::make_tables(const PaintStyle &style) {
  for (int value = 0; value < 256; value++) {
    const Rgba &color = style.color[value];
    drawn_[value] = color.a > 0 && value != kOutside;
    area_[value] = area_paint(style, value);
    outline_[value] =
        drawn_[value] ? colors_.paint(color, outline_alpha(color.a)) : Paint();
  }
  cover_[kOutside] = colors_.paint(style.background, style.background.a);
  area_.prepare(blender_.layout());
  outline_.prepare(blender_.layout());
  cover_.prepare(blender_.layout());
  style_ = style;
  prepared_ = true;
}

void CpuPainter::blend(const Frame &dst, const Values &values,
                       const PaintTable &table) {
  ValuesSource source(values, table, info_.width);
  blender_.blend(dst, 0, info_.height, &source);
}

Result<> CpuPainter::paint(const Frame &dst, const PaintMask &mask,
                           const PaintStyle &style, Queue) {
  if (!prepared_ || !same_colors(style, style_)) make_tables(style);
  const bool blurs = style.mode == PaintMode::kBlur;
  if (blurs || style.mode == PaintMode::kPixelate) {
    Cells &cells = blurs ? blur_ : mosaic_;
    const int margin = static_cast<int>(std::ceil(style.margin * info_.height));
    if (style.cover_all)
      cells.cover_all();
    else if (!cells.cover(scaler_.scale(mask), drawn_, margin))
      return {};
    if (blurs)
      cells.blur(dst);
    else
      cells.pixelate(dst);
    return {};
  }
  if (style.cover_all) {
    blend(dst, scaler_.outside(), cover_);
    return {};
  }
  const Values values = scaler_.scale(mask);
  if (style.mode != PaintMode::kContour) {
    if (style.feather > 0) {
      feather_.begin(values, area_, style.feather);
      blender_.blend(dst, 0, info_.height, &feather_);
    } else {
      blend(dst, values, area_);
    }
  }
  if (style.mode == PaintMode::kContour ||
      (style.mode == PaintMode::kBlend && style.contours)) {
    outlines_.begin(values, outline_, style.contour_width);
    blender_.blend(dst, 0, info_.height, &outlines_);
  }
  return {};
}

Result<> CpuPainter::paint_picture(const Frame &dst,
                                   const PaintPicture &picture, Queue) {
  // Two rows more, even ones: what a chroma sample at the edge averages.
  const int begin = std::max((picture.y - 2) & ~1, 0);
  const int end = std::min((picture.y + picture.height + 3) & ~1, info_.height);
  if (begin >= end || picture.x >= info_.width ||
      picture.x + picture.width <= 0)
    return {};
  PictureSource source(colors_, picture, info_.width);
  blender_.blend(dst, begin, end, &source);
  return {};
}

}  // namespace

std::unique_ptr<Painter> make_cpu_painter() {
  return std::make_unique<CpuPainter>();
}

}  // namespace fastscnn
