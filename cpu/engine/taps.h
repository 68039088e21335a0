// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

namespace fastscnn {

/// Two neighbours, and how much of the second.
struct Tap {
  int first;
  int second;
  float weight;
};

/// The tap at a position between 0 and size - 1, or at the nearest end.
Tap tap_at(double position, int size);

/// Where each of `out` outputs looks along one axis of `in` inputs, as PyTorch
/// has it: corners on corners, or half-pixel centres with the edge repeated.
std::vector<Tap> bilinear_taps(int in, int out, bool align_corners);

}  // namespace fastscnn
