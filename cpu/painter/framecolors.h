/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>

#include "net/frame.h"
#include "net/painter.h"

namespace fastscnn {

/// A premultiplied colour in the components of a frame:
/// sample = (sample * keep + color[c]) / 256, which is at most 255.
struct Paint {
  uint32_t keep = 256;
  uint32_t color[3] = {0, 0, 0};

  bool leaves_all() const { return keep == 256; }

  /// After rounding: no sample may exceed 255.
  void limit() {
    const uint32_t most = 255 * (256 - keep);
    for (uint32_t &c : color) c = c < most ? c : most;
  }
};

/// Top over bottom.
Paint over(const Paint &top, const Paint &bottom);

/// Turns RGB into the components of frames of one kind.
class FrameColors {
 public:
  FrameColors() = default;
  explicit FrameColors(const FrameInfo &frame);

  /// alpha: 0..255.
  Paint paint(Rgba color, int alpha) const;

  /// From a pixel of premultiplied R, G, B, A.
  Paint premultiplied(const uint8_t *rgba) const;

 private:
  int components_ = 3;
  ColorTransform from_rgb_;
};

/// Part of a frame in pixels: [x0, x1) x [y0, y1).
struct Bounds {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  bool empty() const { return x0 >= x1 || y0 >= y1; }
};

inline bool operator!=(const Bounds &a, const Bounds &b) {
  return a.x0 != b.x0 || a.y0 != b.y0 || a.x1 != b.x1 || a.y1 != b.y1;
}

/// One value of the mask for every pixel of the frame.
struct Values {
  const uint8_t *data = nullptr;
  int stride = 0;
  Bounds covered;  ///< beyond it all are kOutside

  const uint8_t *row(int y) const { return data + int64_t{y} * stride; }
};

}  // namespace fastscnn
