// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cmath>

namespace fastscnn::cuda {

/// The relative error of values: the norm of the differences divided by the
/// norm of the expected values. NaN if a value is NaN.
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
