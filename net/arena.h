// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace fastscnn {

/// A block of an arena, and the steps of a computation that need it.
struct Interval {
  size_t size = 0;
  int first = 0;      ///< step that writes it
  int last = 0;       ///< last step that reads it
  size_t offset = 0;  ///< in the arena; set by place_in_arena()
};

/// Chooses the offsets, multiples of `alignment`, largest interval first, each
/// as low as possible. Two intervals share memory only if at least `gap` steps
/// lie between the last use of one and the first use of the other. Sizes,
/// offsets and `alignment` are in the same unit, bytes or elements. Returns the
/// size of the arena, a multiple of `alignment`.
size_t place_in_arena(std::vector<Interval> *intervals, size_t alignment,
                      int gap = 0);

}  // namespace fastscnn
