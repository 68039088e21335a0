// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <cstring>

namespace fastscnn {

/// Eight bytes, the first one in the lowest bits.
inline uint64_t load_bytes(const uint8_t *p) {
  uint64_t bytes;
  std::memcpy(&bytes, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bytes = __builtin_bswap64(bytes);
#endif
  return bytes;
}

/// The end of the run of bytes that are equal to row[begin], at most `end`.
inline int run_end(const uint8_t *row, int begin, int end) {
  const uint64_t splat = row[begin] * UINT64_C(0x0101010101010101);
  int x = begin + 1;
  for (; x + 8 <= end; x += 8) {
    const uint64_t other = load_bytes(row + x) ^ splat;
    if (other) return x + __builtin_ctzll(other) / 8;
  }
  while (x < end && row[x] == row[begin]) x++;
  return x;
}

}  // namespace fastscnn
