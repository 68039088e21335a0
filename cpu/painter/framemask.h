// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastscnn {

/// Pixels of a frame: [x0, x1) x [y0, y1).
struct Rect {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

/// A mask at the size of the frame: one mask value, or kOutside, per pixel.
struct FrameMask {
  const uint8_t *data = nullptr;
  int stride = 0;
  Rect covered;  ///< outside of it, all values are kOutside

  const uint8_t *row(int y) const { return data + ptrdiff_t(y) * stride; }
};

}  // namespace fastscnn
