// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/frame.h"

#include <cstring>
#include <tuple>

namespace fastscnn {
namespace {

bool same(const Component &a, const Component &b) {
  return std::tie(a.plane, a.offset, a.pixel_stride, a.shift_x, a.shift_y,
                  a.origin_x, a.origin_y) ==
         std::tie(b.plane, b.offset, b.pixel_stride, b.shift_x, b.shift_y,
                  b.origin_x, b.origin_y);
}

}  // namespace

bool operator==(const FrameInfo &a, const FrameInfo &b) {
  if (std::tie(a.width, a.height, a.planes, a.components, a.alpha, a.memory) !=
      std::tie(b.width, b.height, b.planes, b.components, b.alpha, b.memory))
    return false;
  for (int p = 0; p < a.planes; p++)
    if (a.row_bytes[p] != b.row_bytes[p] || a.rows[p] != b.rows[p])
      return false;
  for (int c = 0; c < a.components; c++)
    if (!same(a.component[c], b.component[c])) return false;
  return std::memcmp(&a.to_rgb, &b.to_rgb, sizeof a.to_rgb) == 0;
}

}  // namespace fastscnn
