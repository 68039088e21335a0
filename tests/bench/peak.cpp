// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/peak.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/peak.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

constexpr int kSums = 12;  // enough to hide the latency of a multiply-add
constexpr int kRounds = 1 << 16;

/// Returns the number of operations; *sink keeps the compiler from removing
/// them.
double multiply_add(float *sink) {
  const Tag d;
  const Vector x = hn::Set(d, 0.999f), y = hn::Set(d, 0.001f);
  Vector sums[kSums];
  for (Vector &s : sums) s = y;
  for (int i = 0; i < kRounds; i++)
    for (Vector &s : sums) s = hn::MulAdd(s, x, y);
  for (const Vector &s : sums) *sink += hn::GetLane(s);
  return 2.0 * kSums * kLanes * kRounds;
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {
namespace {

HWY_EXPORT(multiply_add);

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTime(300);

}  // namespace

double measure_peak(int threads) {
  std::vector<double> rates(threads);
  std::vector<std::thread> running;
  for (double &rate : rates)
    running.emplace_back([&rate] {
      float sink = 0;
      const Clock::time_point begin = Clock::now();
      while (Clock::now() - begin < kTime) {
        const Clock::time_point start = Clock::now();
        const double flops = HWY_DYNAMIC_DISPATCH(multiply_add)(&sink);
        const std::chrono::duration<double> seconds = Clock::now() - start;
        rate = std::max(rate, flops / seconds.count());
      }
      if (sink < 0) rate = 0;
    });
  for (std::thread &t : running) t.join();
  double sum = 0;
  for (double rate : rates) sum += rate;
  return sum;
}

}  // namespace fastscnn
#endif
