// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastscnn
{

/// Colours, 0xRRGGBB, that people with and without colour blindness tell apart,
/// those of neighbours in particular: chosen one after the other, each as
/// different from the ones before as any is, by its distance in OKLab, the
/// smallest of four: as seen by everybody and as seen without red, green or
/// blue cones. A colour is never close to one of the four before it.
///
/// Sources: B. Ottosson, A perceptual color space for image processing (2020);
/// G. Machado, M. Oliveira, L. Fernandes, A Physiologically-based Model for
/// Simulation of Color Vision Deficiency (IEEE TVCG 2009), severity 1; the
/// choice is Gonzalez' farthest-first traversal (1985).
std::vector<uint32_t> distinct_colors (size_t count);

} // namespace fastscnn
