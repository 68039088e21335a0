// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastscnn
{

/// Colours, 0xRRGGBB, that are easy to tell apart with and without colour
/// blindness. Each colour is as far from all earlier ones as possible
/// (farthest-first traversal: Gonzalez 1985), and never close to one of the
/// four before it. The distance of two colours is the smallest of four in
/// OKLab: with normal vision and without red, green or blue cones.
///
/// Sources: B. Ottosson, A perceptual color space for image processing (2020);
/// G. Machado, M. Oliveira, L. Fernandes, A Physiologically-based Model for
/// Simulation of Color Vision Deficiency (IEEE TVCG 2009), severity 1.
std::vector<uint32_t> distinct_colors (size_t count);

} // namespace fastscnn
