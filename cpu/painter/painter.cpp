// SPDX-License-Identifier: LGPL-2.1-or-later
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

/// Whether both styles have the same tables.
bool same_colors(const PaintStyle &a, const PaintStyle &b) {
  return a.mode == b.mode && same(a.background, b.background) &&
         std::equal(std::begin(a.color), std::end(a.color), std::begin(b.color),
                    same);
}

/// The paint of a mask.
class MaskSource : public PaintSource {
 public:
  MaskSource(const FrameMask &mask, const PaintTable &table, int width)
      : mask_(mask), table_(table), width_(width) {}

  void make(int y, PaintRow *row) override {
    const uint8_t *values = mask_.row(y);
    for (int x = 0; x < width_;) {
      const int end = run_end(values, x, width_);
      row->add(table_, values[x], end);
      x = end;
    }
  }

 private:
  const FrameMask &mask_;
  const PaintTable &table_;
  int width_;
};

/// The paint of an image, transparent outside of it.
class ImageSource : public PaintSource {
 public:
  ImageSource(const FrameColors &colors, const PaintImage &image, int width)
      : colors_(colors), image_(image), width_(width) {}

  void make(int y, PaintRow *row) override {
    const int line = y - image_.y;
    if (line >= 0 && line < image_.height) {
      const int begin = std::max(image_.x, 0);
      const int end = std::min(image_.x + image_.width, width_);
      const uint8_t *rgba = image_.rgba + ptrdiff_t(line) * image_.stride;
      row->skip(begin);
      for (int x = begin; x < end; x++)
        row->add(colors_.premultiplied(rgba + (ptrdiff_t(x) - image_.x) * 4));
    }
    row->skip(width_);
  }

 private:
  const FrameColors &colors_;
  const PaintImage &image_;
  int width_;
};

class CpuPainter : public Painter {
 public:
  Result<> configure(const FrameInfo &frame) override;
  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue queue) override;
  Result<> paint_image(const Frame &dst, const PaintImage &image,
                       Queue queue) override;

 private:
  void make_tables(const PaintStyle &style);
  void blend(const Frame &dst, const FrameMask &mask, const PaintTable &table);
  Paint area_paint(const PaintStyle &style, int value) const;

  FrameInfo info_;
  FrameColors colors_;
  MaskScaler scaler_;
  Blender blender_;
  Outlines outlines_;
  Feather feather_;
  Cells blur_cells_, pixelate_cells_;

  PaintStyle style_;  // of the tables
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
  blur_cells_.configure(frame, blur_cell(frame.height));
  pixelate_cells_.configure(frame, pixelate_cell(frame.height));
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
  const bool cuts = style.mode == PaintMode::kCutout;
  area_.prepare(blender_.layout(), cuts);
  outline_.prepare(blender_.layout());
  cover_.prepare(blender_.layout(), cuts);
  style_ = style;
  prepared_ = true;
}

void CpuPainter::blend(const Frame &dst, const FrameMask &mask,
                       const PaintTable &table) {
  MaskSource source(mask, table, info_.width);
  blender_.blend(dst, 0, info_.height, &source);
}

Result<> CpuPainter::paint(const Frame &dst, const PaintMask &mask,
                           const PaintStyle &style, Queue) {
  if (!prepared_ || !same_colors(style, style_)) make_tables(style);
  const bool blurs = style.mode == PaintMode::kBlur;
  if (blurs || style.mode == PaintMode::kPixelate) {
    Cells &cells = blurs ? blur_cells_ : pixelate_cells_;
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
  const FrameMask scaled = scaler_.scale(mask);
  if (style.mode != PaintMode::kContour) {
    if (style.feather > 0) {
      feather_.begin(scaled, area_, style.feather);
      blender_.blend(dst, 0, info_.height, &feather_);
    } else {
      blend(dst, scaled, area_);
    }
  }
  if (style.mode == PaintMode::kContour ||
      (style.mode == PaintMode::kBlend && style.contours)) {
    outlines_.begin(scaled, outline_, style.contour_width);
    blender_.blend(dst, 0, info_.height, &outlines_);
  }
  return {};
}

Result<> CpuPainter::paint_image(const Frame &dst, const PaintImage &image,
                                 Queue) {
  // Round to even rows and add two: chroma samples at the edge average them.
  const int begin = std::max((image.y - 2) & ~1, 0);
  const int end = std::min((image.y + image.height + 3) & ~1, info_.height);
  if (begin >= end || image.x >= info_.width || image.x + image.width <= 0)
    return {};
  ImageSource source(colors_, image, info_.width);
  blender_.blend(dst, begin, end, &source);
  return {};
}

}  // namespace

std::unique_ptr<Painter> make_cpu_painter() {
  return std::make_unique<CpuPainter>();
}

}  // namespace fastscnn
