// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/painter/paintsequence.h"

#include <utility>

namespace fastscnn::cuda {

CellGrid PaintSequence::grid(int side) const {
  return {side, (info_.width + side - 1) / side,
          (info_.height + side - 1) / side, info_.width, info_.height};
}

PaintSource PaintSequence::whole_frame(const PaintPixel *table,
                                       const uint8_t *values) const {
  return {info_.width, info_.height, table,       values, nullptr, 0,
          0,           info_.width,  info_.height};
}

PaintSamples PaintSequence::samples(const Frame &frame, int c) const {
  const Component &k = info_.component[c];
  return {frame.data[k.plane] + k.offset,
          frame.stride[k.plane],
          k.pixel_stride,
          component_width(info_, c),
          component_height(info_, c),
          k.shift_x,
          k.shift_y,
          k.origin_x,
          k.origin_y};
}

PaintSamples PaintSequence::part_of(PaintSamples s, const PaintImage &image) {
  auto bounds = [](int begin, int size, int shift, int samples) {
    const int first = ((begin - 2) >> shift) - 1;
    const int last = ((begin + size + 2) >> shift) + 1;
    return std::pair<int, int>(first < 0 ? 0 : first,
                               last < samples ? last : samples);
  };
  const auto [x0, x1] = bounds(image.x, image.width, s.shift_x, s.width);
  const auto [y0, y1] = bounds(image.y, image.height, s.shift_y, s.height);
  s.data += y0 * s.stride + int64_t{x0} * s.pixel_stride;
  s.width = x1 - x0;
  s.height = y1 - y0;
  s.origin_x += static_cast<float>(x0 << s.shift_x);
  s.origin_y += static_cast<float>(y0 << s.shift_y);
  return s;
}

PaintOutline PaintSequence::outline(const PaintMask &mask,
                                    const PaintStyle &style,
                                    const PaintMemory &memory) const {
  auto clip = [](int64_t at, int size) {
    return static_cast<int>(at < 0 ? 0 : at > size ? size : at);
  };
  return {memory.values,
          memory.outlines,
          info_.width,
          info_.height,
          clip(mask.x, info_.width),
          clip(mask.y, info_.height),
          clip(int64_t{mask.x} + mask.covers_width, info_.width),
          clip(int64_t{mask.y} + mask.covers_height, info_.height),
          style.contour_width};
}

}  // namespace fastscnn::cuda
