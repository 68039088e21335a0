// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <vector>

namespace fastscnn {

/// Memory that is in use from one stage of a computation to another.
struct Block {
  size_t size;
  int begin, end;  ///< stages, both included
  size_t offset = 0;
};

/// Chooses the offsets so that little memory is needed; returns how much. Two
/// blocks share memory only if a whole stage lies between their uses: who
/// writes the second then hardly ever waits for who reads the first.
size_t arrange(std::vector<Block> &blocks);

}  // namespace fastscnn
