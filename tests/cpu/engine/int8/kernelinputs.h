// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "cpu/engine/int8/tensors.h"

namespace fastscnn::int8 {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  int between(int low, int high) {  // both included
    return low + static_cast<int>(engine_() % unsigned(high - low + 1));
  }
  bool coin() { return between(0, 1); }

  template <typename T>
  std::vector<T> values(size_t size, int low, int high) {
    std::vector<T> all(size);
    for (T &v : all) v = static_cast<T>(between(low, high));
    return all;
  }

 private:
  std::mt19937 engine_;
};

inline int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// Distributions of sums, weights and inputs.
enum class Kind {
  kAny,      // the whole range of everything
  kHighest,  // all inputs 255, all weights 127, the largest bias
  kLowest,   // all inputs 255, all weights -127, the smallest bias
  kExtreme,  // inputs 0 or 255, weights -127 or 127
  kTies,     // half of the results lie between two bytes
};
constexpr int kKinds = 5;

constexpr int kMaxBias = 1 << 22;

template <typename T>
std::vector<T> make_inputs(Random &random, Kind kind, size_t size) {
  switch (kind) {
    case Kind::kHighest:
    case Kind::kLowest:
      return std::vector<T>(size, T(255));
    case Kind::kExtreme: {
      std::vector<T> all = random.values<T>(size, 0, 1);
      for (T &v : all) v = v ? 255 : 0;
      return all;
    }
    case Kind::kTies:
      return random.values<T>(size, 0, 3);
    case Kind::kAny:
      break;
  }
  return random.values<T>(size, 0, 255);
}

inline std::vector<int8_t> make_weights(Random &random, Kind kind,
                                        size_t size) {
  switch (kind) {
    case Kind::kHighest:
      return std::vector<int8_t>(size, 127);
    case Kind::kLowest:
      return std::vector<int8_t>(size, -127);
    case Kind::kExtreme: {
      std::vector<int8_t> all = random.values<int8_t>(size, 0, 1);
      for (int8_t &v : all) v = v ? 127 : -127;
      return all;
    }
    case Kind::kTies:
      return random.values<int8_t>(size, -1, 1);
    case Kind::kAny:
      break;
  }
  return random.values<int8_t>(size, -127, 127);
}

inline std::vector<int32_t> make_bias(Random &random, Kind kind, size_t size) {
  if (kind == Kind::kHighest) return std::vector<int32_t>(size, kMaxBias);
  if (kind == Kind::kLowest) return std::vector<int32_t>(size, -kMaxBias);
  const int most = kind == Kind::kTies ? 200 : kMaxBias;
  return random.values<int32_t>(size, -most, most);
}

/// Scales that bring sums of about `most` close to the range of a byte.
inline std::vector<float> make_scales(Random &random, Kind kind, size_t size,
                                      float most) {
  std::vector<float> scales(size);
  for (float &s : scales)
    s = kind == Kind::kTies ? 0.5f
                            : static_cast<float>(random.between(1, 1 << 20)) /
                                  (1 << 18) * 128 / most;
  return scales;
}

inline Requantization make_requantization(Random &random,
                                          const std::vector<float> &scales) {
  Requantization r;
  r.scale = scales.data();
  r.zero = random.coin() ? 0 : random.coin() ? 128 : random.between(0, 255);
  if (random.coin()) {
    r.low = random.between(0, 100);
    r.high = random.between(r.low, 255);
  }
  return r;
}

inline uint8_t expect_byte(const Requantization &r, int32_t sum, int o) {
  const float scaled = static_cast<float>(sum) * r.scale[o];
  const double q = std::nearbyint(double(scaled)) + r.zero;
  return static_cast<uint8_t>(std::clamp(q, double(r.low), double(r.high)));
}

template <typename T>
void compare(const std::vector<T> &got, const std::vector<T> &want,
             const std::string &what) {
  g_assert_cmpuint(got.size(), ==, want.size());
  for (size_t i = 0; i < got.size(); i++)
    if (got[i] != want[i])
      g_error("%s: element %zu of %zu is %g instead of %g", what.c_str(), i,
              got.size(), double(got[i]), double(want[i]));
}

}  // namespace fastscnn::int8
