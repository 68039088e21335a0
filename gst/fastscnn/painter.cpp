/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/painter.h"

#include <algorithm>
#include <cmath>

#include "gst/fastscnn/paint-blend.h"
#include "gst/fastscnn/paint-cells.h"
#include "gst/fastscnn/paint-contour.h"
#include "gst/fastscnn/paint-feather.h"
#include "gst/fastscnn/paint-scale.h"

namespace fastscnn
{
namespace
{

bool
same (const Rgba &a, const Rgba &b)
{
  return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

/// Whether both lead to the same tables.
bool
same_colors (const PaintStyle &a, const PaintStyle &b)
{
  return a.mode == b.mode && same (a.background, b.background) &&
         std::equal (std::begin (a.color), std::end (a.color),
             std::begin (b.color), same);
}

/// A picture, and nothing around it.
class PictureSource : public PaintSource
{
public:
  PictureSource (const FrameColors &colors, const PaintPicture &picture)
      : colors_ (colors), picture_ (picture)
  {
  }

  void
  make (const Bounds &part, Paint *paint) override
  {
    for (int y = part.y0 - picture_.y; y < part.y1 - picture_.y; y++)
      for (int x = part.x0 - picture_.x; x < part.x1 - picture_.x; x++)
        *paint++ = at (x, y);
  }

private:
  Paint
  at (int x, int y) const
  {
    if (x < 0 || y < 0 || x >= picture_.width || y >= picture_.height)
      return Paint ();
    return colors_.premultiplied (
        picture_.rgba + int64_t{ y } * picture_.stride + int64_t{ x } * 4);
  }

  const FrameColors &colors_;
  const PaintPicture &picture_;
};

class CpuPainter : public Painter
{
public:
  void configure (const FrameInfo &frame) override;
  void paint (const Frame &dst, const PaintMask &mask, const PaintStyle &style,
      Queue queue) override;
  void paint_picture (
      const Frame &dst, const PaintPicture &picture, Queue queue) override;

private:
  void make_tables (const PaintStyle &style);
  Paint area_paint (const PaintStyle &style, int value) const;

  FrameInfo info_;
  FrameColors colors_;
  MaskScaler scaler_;
  Blender blender_;
  Outliner outliner_;
  Feather feather_;
  Cells blur_, mosaic_;

  PaintStyle style_; // that the tables were made for
  bool prepared_ = false;
  PaintTable area_, outline_, cover_;
  bool drawn_[256] = {};
};

void
CpuPainter::configure (const FrameInfo &frame)
{
  info_ = frame;
  colors_ = FrameColors (frame);
  scaler_.configure (frame.width, frame.height);
  blender_.configure (frame);
  outliner_.configure (frame.width, frame.height);
  feather_.configure (frame.width, frame.height);
  blur_.configure (frame, blur_cell (frame.height));
  mosaic_.configure (frame, pixelate_cell (frame.height));
  prepared_ = false;
}

Paint
CpuPainter::area_paint (const PaintStyle &style, int value) const
{
  const Paint color = colors_.paint (
      style.color[value], drawn_[value] ? style.color[value].a : 0);
  const Paint background = colors_.paint (style.background, style.background.a);
  switch (style.mode) {
  case PaintMode::kBlend:
    return color;
  case PaintMode::kMask:
    return over (color, background);
  case PaintMode::kCutout:
    return drawn_[value] ? Paint () : background;
  default:
    return Paint ();
  }
}

void
CpuPainter::make_tables (const PaintStyle &style)
{
  for (int value = 0; value < 256; value++) {
    const Rgba &color = style.color[value];
    drawn_[value] = color.a > 0 && value != kOutside;
    area_[value] = area_paint (style, value);
    outline_[value] = drawn_[value]
                          ? colors_.paint (color, outline_alpha (color.a))
                          : Paint ();
  }
  cover_[kOutside] = colors_.paint (style.background, style.background.a);
  blender_.prepare (&area_);
  blender_.prepare (&outline_);
  blender_.prepare (&cover_);
  style_ = style;
  prepared_ = true;
}

void
CpuPainter::paint (
    const Frame &dst, const PaintMask &mask, const PaintStyle &style, Queue)
{
  if (!prepared_ || !same_colors (style, style_))
    make_tables (style);
  const bool blurs = style.mode == PaintMode::kBlur;
  if (blurs || style.mode == PaintMode::kPixelate) {
    Cells &cells = blurs ? blur_ : mosaic_;
    const int margin =
        static_cast<int> (std::ceil (style.margin * info_.height));
    if (style.cover_all)
      cells.cover_all ();
    else if (!cells.cover (scaler_.scale (mask), drawn_, margin))
      return;
    if (blurs)
      cells.blur (dst);
    else
      cells.pixelate (dst);
    return;
  }
  if (style.cover_all) {
    blender_.blend_values (dst, scaler_.outside (), cover_);
    return;
  }
  const Values values = scaler_.scale (mask);
  if (style.mode != PaintMode::kContour) {
    if (style.feather > 0) {
      feather_.begin (values, area_, style.feather);
      blender_.blend_values_softly (
          dst, values, area_, feather_.reach (), &feather_);
    } else {
      blender_.blend_values (dst, values, area_);
    }
  }
  if (style.mode == PaintMode::kContour ||
      (style.mode == PaintMode::kBlend && style.contours))
    blender_.blend_values (
        dst, outliner_.outline (values, style.contour_width), outline_);
}

void
CpuPainter::paint_picture (const Frame &dst, const PaintPicture &picture, Queue)
{
  // Two pixels more, even ones: what a chroma sample at the edge averages.
  Bounds rect;
  rect.x0 = std::max ((picture.x - 2) & ~1, 0);
  rect.y0 = std::max ((picture.y - 2) & ~1, 0);
  rect.x1 = std::min ((picture.x + picture.width + 3) & ~1, info_.width);
  rect.y1 = std::min ((picture.y + picture.height + 3) & ~1, info_.height);
  if (rect.empty ())
    return;
  PictureSource source (colors_, picture);
  blender_.blend_rectangle (dst, rect, &source);
}

} // namespace

std::unique_ptr<Painter>
create_cpu_painter ()
{
  return std::make_unique<CpuPainter> ();
}

} // namespace fastscnn
