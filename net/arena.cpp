// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/arena.h"

#include <algorithm>

namespace fastscnn {

size_t place_in_arena(std::vector<Interval> *intervals, size_t alignment,
                      int gap) {
  const auto end = [alignment](const Interval &i) {
    return (i.offset + i.size + alignment - 1) / alignment * alignment;
  };
  std::vector<Interval *> by_size;
  for (Interval &i : *intervals) by_size.push_back(&i);
  std::stable_sort(
      by_size.begin(), by_size.end(),
      [](const Interval *a, const Interval *b) { return a->size > b->size; });

  // Place the largest first, each at the lowest offset that is free throughout
  // its lifetime.
  size_t total = 0;
  std::vector<const Interval *> placed;  // by offset
  for (Interval *i : by_size) {
    i->offset = 0;
    for (const Interval *other : placed) {
      if (i->first > other->last + gap || other->first > i->last + gap)
        continue;
      if (i->offset + i->size <= other->offset) break;
      i->offset = std::max(i->offset, end(*other));
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [](const Interval *a, const Interval *b) {
                                     return a->offset < b->offset;
                                   }),
                  i);
    total = std::max(total, end(*i));
  }
  return total;
}

}  // namespace fastscnn
