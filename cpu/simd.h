// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Kernels have arrays of vectors, so the length of a vector must be constant.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

namespace fastscnn {

/// Floats in the longest vector. The channels of every activation are padded to
/// a multiple of it, so that kernels need no remainder loops.
constexpr int kChannelBlock = 16;

}  // namespace fastscnn
