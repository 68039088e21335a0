// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/engine/int8/tensors.h"
#include "net/taps.h"

namespace fastscnn::int8 {

/// The taps of one output, as in net/taps.h, with an integer weight.
struct FixedTap {
  int first;
  int second;
  int weight;  ///< of second, in 1/2048; 0..2047
};

/// Rounds the weights to the nearest ones.
std::vector<FixedTap> to_fixed(const std::vector<Tap> &taps);

/// Computes one row of a bilinear interpolation, as in cpu/engine/upsample.h,
/// in two steps that round to nearest, halves up (>> is an arithmetic shift):
///   v = 128 * top + (((bottom - top) * weight + 8) >> 4)
///   dst = (v0 + (((v1 - v0) * w + 1024) >> 11) + 64) >> 7
/// where v0 and v1 are the columns first and second, and w is the weight of a
/// column. scratch: src_width * channels.
void upsample(const uint8_t *top, const uint8_t *bottom, int weight,
              int src_width, int channels, const FixedTap *columns, int width,
              int16_t *scratch, Pixels dst);

}  // namespace fastscnn::int8
