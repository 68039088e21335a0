// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Emulates instructions that multiply bytes, for processors that lack them, in
/// plain loops that follow the vendors' manuals.
namespace fastscnn::testing {

/// A lane of x86's VPDPBUSD.
inline int32_t dpbusd(int32_t sum, const uint8_t *x, const int8_t *w) {
  for (int i = 0; i < 4; i++) sum += x[i] * w[i];
  return sum;
}

/// A lane of ARM's SDOT.
inline int32_t sdot(int32_t sum, const int8_t *x, const int8_t *w) {
  for (int i = 0; i < 4; i++) sum += x[i] * w[i];
  return sum;
}

/// ARM's USMMLA: sum (2, 2) += x (2, 8) * transposed w (2, 8).
inline void usmmla(int32_t *sum, const uint8_t *x, const int8_t *w) {
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++)
      for (int k = 0; k < 8; k++) sum[2 * i + j] += x[8 * i + k] * w[8 * j + k];
}

/// The tiles of x86's AMX, as amxgemm-inl.h uses them.
class Tiles {
 public:
  template <int kTile>
  void load(const void *p, ptrdiff_t stride) {
    for (int row = 0; row < 16; row++)
      std::memcpy(tiles_[kTile][row],
                  static_cast<const char *>(p) + row * stride, 64);
  }

  template <int kTile>
  void store(void *p, ptrdiff_t stride) {
    for (int row = 0; row < 16; row++)
      std::memcpy(static_cast<char *>(p) + row * stride, tiles_[kTile][row],
                  64);
  }

  /// TDPBUSD
  template <int kSum, int kX, int kW>
  void dot() {
    for (int m = 0; m < 16; m++)
      for (int n = 0; n < 16; n++) {
        int32_t sum;
        std::memcpy(&sum, tiles_[kSum][m] + 4 * n, 4);
        for (int k = 0; k < 16; k++) {
          int8_t w[4];
          std::memcpy(w, tiles_[kW][k] + 4 * n, 4);
          sum = dpbusd(sum, tiles_[kX][m] + 4 * k, w);
        }
        std::memcpy(tiles_[kSum][m] + 4 * n, &sum, 4);
      }
  }

 private:
  uint8_t tiles_[8][16][64];
};

}  // namespace fastscnn::testing
