// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/painter/tables.h"

#include <algorithm>

#include "net/color.h"

namespace fastscnn::cuda {
namespace {

/// alpha: 0..255.
PaintPixel paint_of(const FrameInfo &info, const ColorTransform &from_rgb,
                    Rgba color, int alpha) {
  PaintPixel out;
  out.keep = 1.f - alpha / 255.f;
  for (int c = 0; c < info.components; c++) {
    const float *m = from_rgb.matrix[c];
    const float value = m[0] * color.r + m[1] * color.g + m[2] * color.b +
                        from_rgb.offset[c] * 255.f;
    out.color[c] = std::clamp(value, 0.f, 255.f) * (1.f - out.keep);
  }
  return out;
}

PaintPixel over(const PaintPixel &top, const PaintPixel &bottom) {
  PaintPixel out;
  out.keep = top.keep * bottom.keep;
  for (int c = 0; c < 3; c++)
    out.color[c] = top.color[c] + bottom.color[c] * top.keep;
  return out;
}

}  // namespace

PaintTables make_tables(const FrameInfo &info, const PaintStyle &style) {
  const ColorTransform from_rgb = invert(info.to_rgb, info.components);
  const PaintPixel background =
      paint_of(info, from_rgb, style.background, style.background.a);
  PaintTables tables = {};
  for (int value = 0; value < 256; value++) {
    const Rgba color = style.color[value];
    const bool drawn = color.a > 0 && value != kOutside;
    const PaintPixel area =
        paint_of(info, from_rgb, color, drawn ? color.a : 0);
    tables.drawn[value] = drawn;
    tables.area[value] = style.mode == PaintMode::kMask ? over(area, background)
                         : style.mode == PaintMode::kCutout
                             ? drawn ? PaintPixel() : background
                             : area;
    tables.outline[value] =
        paint_of(info, from_rgb, color, drawn ? outline_alpha(color.a) : 0);
    tables.cover[value] = background;
  }
  return tables;
}

PaintPixel convert_pixel(const FrameInfo &info, const ColorTransform &from_rgb,
                         const uint8_t *rgba) {
  PaintPixel out;
  out.keep = 1.f - rgba[3] / 255.f;
  for (int c = 0; c < info.components; c++) {
    const float *m = from_rgb.matrix[c];
    const float value = m[0] * rgba[0] + m[1] * rgba[1] + m[2] * rgba[2] +
                        from_rgb.offset[c] * rgba[3];
    out.color[c] = std::clamp(value, 0.f, 1.f * rgba[3]);
  }
  return out;
}

}  // namespace fastscnn::cuda
