// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "net/frame.h"

namespace fastscnn {

/// YUV to RGB from the luma weights of the matrix (BT.601: kr 0.299, kb 0.114;
/// BT.709: 0.2126, 0.0722; ...). full_range: 0..255; otherwise 16..235 and
/// 16..240. Source: ITU-R BT.601-7 and BT.709-6, section 3.
ColorTransform yuv_to_rgb(double kr, double kb, bool full_range);

/// R, G, B that are stored as such; full_range as above.
ColorTransform rgb_to_rgb(bool full_range);

/// One component that stands for all three.
ColorTransform gray_to_rgb(bool full_range);

/// The other way: component / 255 = matrix * rgb + offset. For grey, the
/// first row is BT.601 luma.
ColorTransform invert(const ColorTransform &to_rgb, int components);

}  // namespace fastscnn
