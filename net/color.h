// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "net/frame.h"

namespace fastscnn {

/// Converts YUV to RGB with the luma weights of a colour matrix (BT.601: kr
/// 0.299, kb 0.114; BT.709: kr 0.2126, kb 0.0722). full_range: components use
/// 0..255; otherwise 16..235, and 16..240 for chroma. Source: ITU-R BT.601-7
/// and BT.709-6, section 3.
ColorTransform yuv_to_rgb(double kr, double kb, bool full_range);

/// Converts R, G and B to RGB; full_range as above.
ColorTransform rgb_to_rgb(bool full_range);

/// Converts Y alone to RGB; full_range as above.
ColorTransform gray_to_rgb(bool full_range);

/// The inverse: components / 255 = matrix * rgb + offset. For 1 component, row
/// 0 computes BT.601 luma.
ColorTransform invert(const ColorTransform &to_rgb, int components);

}  // namespace fastscnn
