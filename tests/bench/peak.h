// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

namespace fastscnn {

/// Measures the peak of the processor on `threads` threads, in floating-point
/// operations per second; a multiply-add counts as two.
double measure_peak(int threads);

}  // namespace fastscnn
