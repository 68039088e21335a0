// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn {

/// What the processor can do: floating-point operations a second (a
/// multiply-add is two), measured with so many threads on nothing else.
double measure_peak(int threads);

}  // namespace fastscnn
