// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// Kernels keep arrays of vectors, which cannot be of unknown length.
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

namespace fastscnn {

/// Channels of every activation are a multiple of this, so that no kernel has
/// a remainder: no vector is longer.
constexpr int kChannelBlock = 16;

}  // namespace fastscnn
