// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// Tensors are (H, W, C), C being a multiple of this: 8 halves are one 16-byte
/// access, 8 floats are two.
constexpr int kLanes = 8;

constexpr int pad_channels(int channels) {
  return (channels + kLanes - 1) / kLanes * kLanes;
}

template <typename T>
struct alignas(16) Lanes {
  T v[kLanes];
};

FASTSCNN_HD inline float to_float(float x) { return x; }
FASTSCNN_HD inline float to_float(__half x) { return __half2float(x); }

template <typename T>
FASTSCNN_HD T from_float(float x);
template <>
FASTSCNN_HD inline float from_float<float>(float x) {
  return x;
}
template <>
FASTSCNN_HD inline __half from_float<__half>(float x) {
  return __float2half_rn(x);
}

template <typename T>
FASTSCNN_HD inline void load(const T *src, float (&dst)[kLanes]) {
  const Lanes<T> lanes = *reinterpret_cast<const Lanes<T> *>(src);
  for (int i = 0; i < kLanes; i++) dst[i] = to_float(lanes.v[i]);
}

template <typename T>
FASTSCNN_HD inline void store(T *dst, const float (&src)[kLanes]) {
  Lanes<T> lanes;
  for (int i = 0; i < kLanes; i++) lanes.v[i] = from_float<T>(src[i]);
  *reinterpret_cast<Lanes<T> *>(dst) = lanes;
}

FASTSCNN_HD inline float clamp(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

FASTSCNN_HD inline float lerp(float a, float b, float weight) {
  return a + weight * (b - a);
}

}  // namespace fastscnn::cuda
