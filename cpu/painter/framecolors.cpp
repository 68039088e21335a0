// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/framecolors.h"

#include <algorithm>
#include <cmath>

#include "net/color.h"

namespace fastscnn {

Paint over(const Paint &top, const Paint &bottom) {
  Paint out;
  out.keep = (top.keep * bottom.keep + 128) >> 8;
  for (int c = 0; c < 3; c++)
    out.color[c] = top.color[c] + ((bottom.color[c] * top.keep + 128) >> 8);
  out.limit();
  return out;
}

FrameColors::FrameColors(const FrameInfo &frame)
    : components_(frame.components),
      from_rgb_(invert(frame.to_rgb, frame.components)) {}

Paint FrameColors::paint(Rgba color, int alpha) const {
  Paint out;
  out.keep = 256 - (alpha * 256 + 127) / 255;
  const uint32_t strength = 256 - out.keep;
  for (int c = 0; c < components_; c++) {
    const float *m = from_rgb_.matrix[c];
    float value = m[0] * color.r + m[1] * color.g + m[2] * color.b +
                  from_rgb_.offset[c] * 255.f;
    value = std::clamp(value, 0.f, 255.f);
    out.color[c] = static_cast<uint32_t>(std::lround(value * strength));
  }
  return out;
}

Paint FrameColors::premultiplied(const uint8_t *rgba) const {
  Paint out;
  out.keep = 256 - (rgba[3] * 256u + 127) / 255;
  const float strength = 256 - out.keep;
  for (int c = 0; c < components_; c++) {
    const float *m = from_rgb_.matrix[c];
    float value = (m[0] * rgba[0] + m[1] * rgba[1] + m[2] * rgba[2]) * 256.f +
                  from_rgb_.offset[c] * 255.f * strength;
    out.color[c] = static_cast<uint32_t>(std::max(value, 0.f) + 0.5f);
  }
  out.limit();
  return out;
}

}  // namespace fastscnn
