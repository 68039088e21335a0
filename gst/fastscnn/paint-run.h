/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cstdint>
#include <cstring>

namespace fastscnn
{

/// The end of the run of bytes equal to row[begin], at most `end`.
inline int
run_end (const uint8_t *row, int begin, int end)
{
  const uint64_t splat = row[begin] * UINT64_C (0x0101010101010101);
  int x = begin + 1;
  for (; x + 8 <= end; x += 8) {
    uint64_t bytes;
    std::memcpy (&bytes, row + x, 8);
    if (bytes != splat)
      break;
  }
  while (x < end && row[x] == row[begin])
    x++;
  return x;
}

} // namespace fastscnn
