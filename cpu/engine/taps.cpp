// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/taps.h"

#include <algorithm>

namespace fastscnn {

Tap tap_at(double position, int size) {
  position = std::clamp(position, 0.0, size - 1.0);
  const int first = static_cast<int>(position);
  return {first, std::min(first + 1, size - 1),
          static_cast<float>(position - first)};
}

std::vector<Tap> bilinear_taps(int in, int out, bool align_corners) {
  std::vector<Tap> taps;
  taps.reserve(out);
  for (int i = 0; i < out; i++) {
    double position = (i + 0.5) * in / out - 0.5;
    if (align_corners)
      position = out > 1 ? double(i) * (in - 1) / (out - 1) : 0;
    taps.push_back(tap_at(position, in));
  }
  return taps;
}

}  // namespace fastscnn
