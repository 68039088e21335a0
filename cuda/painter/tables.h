// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/painter/paint.h"

namespace fastscnn::cuda {

/// The paint for every mask value, in the components of the frame.
struct PaintTables {
  PaintPixel area[256], outline[256];
  PaintPixel cover[256];  // for style.cover_all
  uint8_t drawn[256];     // 0 or 1
};

PaintTables make_tables(const FrameInfo &info, const PaintStyle &style);

/// Converts a pixel of premultiplied R, G, B, A.
PaintPixel convert_pixel(const FrameInfo &info, const ColorTransform &from_rgb,
                         const uint8_t *rgba);

}  // namespace fastscnn::cuda
