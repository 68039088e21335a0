// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/engine/int8/depthwiserows.h"

namespace fastscnn::int8 {

/// depthwise() around the emulation of x86's dot product, with vectors of the
/// target that Highway has chosen. False if it is not for this target, layer or
/// width.
bool emulated_depthwise(const Depthwise &layer, const DepthwiseRows &rows,
                        int dst_width, int count);

}  // namespace fastscnn::int8
