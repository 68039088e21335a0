// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/arena.h"

#include <algorithm>

namespace fastscnn {

size_t arrange(std::vector<Block> &blocks) {
  std::vector<Block *> by_size;
  for (Block &b : blocks) by_size.push_back(&b);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](Block *a, Block *b) { return a->size > b->size; });

  // The largest first, each at the lowest offset that is free all its life.
  size_t total = 0;
  std::vector<Block *> placed;
  for (Block *b : by_size) {
    b->offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const Block *other : placed) {
        const bool together =
            b->begin <= other->end + 1 && other->begin <= b->end + 1;
        if (together && b->offset < other->offset + other->size &&
            other->offset < b->offset + b->size) {
          b->offset = other->offset + other->size;
          moved = true;
        }
      }
    }
    placed.push_back(b);
    total = std::max(total, b->offset + b->size);
  }
  return total;
}

}  // namespace fastscnn
