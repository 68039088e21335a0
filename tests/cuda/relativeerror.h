// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

namespace fastscnn::cuda {

/// How far values are from the expected ones: the norm of the differences, as a
/// share of the norm of what is expected. NaN if a value is.
class RelativeError {
 public:
  void add(double got, double expected) {
    error_ += (got - expected) * (got - expected);
    norm_ += expected * expected;
  }
  double value() const { return std::sqrt(error_ / norm_); }

 private:
  double error_ = 0, norm_ = 0;
};

}  // namespace fastscnn::cuda
