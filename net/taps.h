// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace fastscnn {

/// The taps of one output of a linear interpolation along one axis: the two
/// neighbouring inputs that it reads. output = first + weight * (second -
/// first). At the last input, second is first.
struct Tap {
  int first;
  int second;
  float weight;  ///< of second, 0..1
};

/// The taps at a position, counted in inputs from the first of `size`;
/// positions beyond the ends are moved to the nearest end.
template <typename Real>
constexpr Tap tap_at(Real position, int size) {
  const Real last = size - 1;
  position = position < 0 ? 0 : position > last ? last : position;
  const int first = static_cast<int>(position);
  return {first, first + 1 < size ? first + 1 : first,
          static_cast<float>(position - first)};
}

/// The position of output i of `out` among `in` inputs, as in PyTorch: with
/// align_corners, the first and last samples coincide; without, samples lie at
/// half-pixel centres. Linear in i.
constexpr double resize_position(int i, int in, int out, bool align_corners) {
  if (align_corners) return out > 1 ? double(i) * (in - 1) / (out - 1) : 0;
  return (i + 0.5) * in / out - 0.5;
}

/// The taps of every output.
inline std::vector<Tap> resize_taps(int in, int out, bool align_corners) {
  std::vector<Tap> taps;
  for (int i = 0; i < out; i++)
    taps.push_back(tap_at(resize_position(i, in, out, align_corners), in));
  return taps;
}

}  // namespace fastscnn
