// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace fastscnn {

/// Wall-clock time of a function.
template <typename Function>
double milliseconds(const Function &function) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  function();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

struct Spread {
  double min = 0, median = 0, p95 = 0;
};

/// times: at least one.
inline Spread summarize(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return {times[0], times[times.size() / 2], times[times.size() * 95 / 100]};
}

}  // namespace fastscnn
