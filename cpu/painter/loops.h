// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace fastscnn {

// Plain loops along a row, which the compiler vectorises twice on x86: for
// every processor, and for AVX2. keep and color are entries as in PaintLayout.
// Outputs must not overlap inputs.

/// Blends paint into neighbouring bytes.
void blend_bytes(uint8_t *samples, int count, const uint16_t *keep,
                 const uint16_t *color);

/// Blends paint into every other byte; preserves those between.
void blend_every_other(uint8_t *samples, int count, const uint16_t *keep,
                       const uint16_t *color);

/// The mean of rows a and b; with c (nullable), a and c count half as much as
/// b.
void average_rows(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                  int count, uint16_t *out);

/// Averages `taps` neighbours with the weights 1, 1 1, or 1 2 1. 2 and 3 taps
/// make one result per two pixels. With a second colour (nullable), the results
/// of both alternate, and each one of keep is written twice.
void average_columns(int taps, const uint16_t *keep, const uint16_t *first,
                     const uint16_t *second, int count, uint16_t *keep_out,
                     uint16_t *color_out);

/// A value at two neighbouring cells.
struct Pair {
  float left, right;
};

/// Blends a premultiplied colour into samples that are `stride` bytes apart.
/// Colour and strength are interpolated: weight[i] is the weight of the right
/// cell for sample i.
void replace_samples(uint8_t *samples, int stride, int count,
                     const float *weight, Pair strength, Pair color);

}  // namespace fastscnn
