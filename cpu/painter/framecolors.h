// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "net/frame.h"
#include "net/painter.h"

namespace fastscnn {

/// A premultiplied colour in the components of a frame. Painting a sample of
/// component c: sample = (sample * keep + color[c]) / 256, at most 255.
struct Paint {
  uint32_t keep = 256;
  uint32_t color[3] = {0, 0, 0};

  bool is_transparent() const { return keep == 256; }

  /// Call after rounding: keeps samples from exceeding 255.
  void limit() {
    const uint32_t max = 255 * (256 - keep);
    for (uint32_t &c : color) c = c < max ? c : max;
  }
};

/// Top over bottom.
Paint over(const Paint &top, const Paint &bottom);

/// Converts RGB to the components of frames of one format.
class FrameColors {
 public:
  FrameColors() = default;
  explicit FrameColors(const FrameInfo &frame);

  /// alpha: 0..255, instead of color.a.
  Paint paint(Rgba color, int alpha) const;

  /// Converts a pixel of premultiplied R, G, B, A bytes.
  Paint premultiplied(const uint8_t *rgba) const;

 private:
  int components_ = 3;
  ColorTransform from_rgb_;
};

}  // namespace fastscnn
