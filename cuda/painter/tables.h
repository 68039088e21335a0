// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/painter/paint.h"

namespace fastscnn::cuda {

/// What a style means for every value of a mask, in the frame's components.
struct PaintTables {
  PaintPixel area[256], outline[256], cover[256];
  uint8_t drawn[256];
};

PaintTables make_tables(const FrameInfo &info, const PaintStyle &style);

/// A pixel of premultiplied R, G, B, A.
PaintPixel convert_pixel(const FrameInfo &info, const ColorTransform &from_rgb,
                         const uint8_t *rgba);

}  // namespace fastscnn::cuda
