// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/depthwiserows.h"

namespace fastscnn::int8 {

/// depthwise() with an emulation of x86's dot product and vectors of the target
/// that Highway has chosen. Returns false if it does not support this target,
/// layer or width.
bool emulated_depthwise(const Depthwise &layer, const DepthwiseRows &rows,
                        int dst_width, int count);

}  // namespace fastscnn::int8
