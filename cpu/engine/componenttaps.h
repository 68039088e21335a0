// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "net/frame.h"
#include "net/taps.h"

namespace fastscnn {

/// The taps, among the samples of a component, of `out` outputs across
/// `pixels`.
inline std::vector<Tap> component_taps(int pixels, int out, int shift,
                                       float origin, int samples) {
  std::vector<Tap> taps;
  taps.reserve(out);
  for (int i = 0; i < out; i++) {
    const double pixel = resize_position(i, pixels, out, false);
    taps.push_back(tap_at((pixel - origin) / (1 << shift), samples));
  }
  return taps;
}

/// The vertical taps of component c in a frame that is resized to `height`
/// rows.
inline std::vector<Tap> component_rows(const FrameInfo &info, int c,
                                       int height) {
  const Component &k = info.component[c];
  return component_taps(info.height, height, k.shift_y, k.origin_y,
                        component_height(info, c));
}

/// The horizontal taps of component c in a frame that is resized to `width`
/// columns.
inline std::vector<Tap> component_columns(const FrameInfo &info, int c,
                                          int width) {
  const Component &k = info.component[c];
  return component_taps(info.width, width, k.shift_x, k.origin_x,
                        component_width(info, c));
}

}  // namespace fastscnn
