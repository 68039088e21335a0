// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cuda_fp16.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/kernel.h"

namespace fastscnn::cuda {

/// Tensors are (H, W, C), where C is a multiple of this: 8 halves are one
/// 16-byte access, 8 floats are two.
constexpr int kLanes = 8;

constexpr int pad_channels(int channels) {
  return (channels + kLanes - 1) / kLanes * kLanes;
}

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

/// The lowest finite number of a type.
template <typename T>
constexpr float lowest() {
  return sizeof(T) == 2 ? -65504.f : std::numeric_limits<float>::lowest();
}

/// The bytes of 8 lanes, in registers.
template <typename T>
struct Raw {
  uint4 words[sizeof(T) / 2];
};

/// Reads 16 bytes of global memory if inside; otherwise reads nothing and
/// returns zeros. On the device the compiler can neither split the access nor
/// turn the condition into a branch, so that loads that follow each other are
/// in flight together.
FASTSCNN_HD inline uint4 load_16(const void *src, bool inside) {
  uint4 v = {};
#ifdef __CUDA_ARCH__
  asm volatile(
      "{ .reg .pred p; setp.ne.u32 p, %5, 0;"
      " @p ld.global.v4.u32 {%0, %1, %2, %3}, [%4]; }"
      : "+r"(v.x), "+r"(v.y), "+r"(v.z), "+r"(v.w)
      : "l"(src), "r"(uint32_t(inside)));
#else
  if (inside) v = *static_cast<const uint4 *>(src);
#endif
  return v;
}

/// Writes 16 bytes of global memory.
FASTSCNN_HD inline void store_16(void *dst, const uint4 &v) {
#ifdef __CUDA_ARCH__
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(dst), "r"(v.x),
               "r"(v.y), "r"(v.z), "r"(v.w)
               : "memory");
#else
  *static_cast<uint4 *>(dst) = v;
#endif
}

template <typename T>
FASTSCNN_HD inline Raw<T> load_raw(const T *src, bool inside) {
  Raw<T> raw;
  FASTSCNN_UNROLL
  for (int i = 0; i < static_cast<int>(sizeof(T) / 2); i++)
    raw.words[i] = load_16(reinterpret_cast<const uint4 *>(src) + i, inside);
  return raw;
}

FASTSCNN_HD inline void unpack(const Raw<float> &raw, float (&dst)[kLanes]) {
  memcpy(dst, &raw, sizeof raw);
}
FASTSCNN_HD inline void unpack(const Raw<__half> &raw, float (&dst)[kLanes]) {
  __half2 pairs[kLanes / 2];
  memcpy(static_cast<void *>(pairs), &raw, sizeof raw);
  FASTSCNN_UNROLL
  for (int i = 0; i < kLanes / 2; i++) {
    dst[2 * i] = __low2float(pairs[i]);
    dst[2 * i + 1] = __high2float(pairs[i]);
  }
}

FASTSCNN_HD inline void pack(const float (&src)[kLanes], Raw<float> *raw) {
  memcpy(raw, src, sizeof *raw);
}
FASTSCNN_HD inline void pack(const float (&src)[kLanes], Raw<__half> *raw) {
  __half2 pairs[kLanes / 2];
  FASTSCNN_UNROLL
  for (int i = 0; i < kLanes / 2; i++)
    pairs[i] = __floats2half2_rn(src[2 * i], src[2 * i + 1]);
  memcpy(raw, pairs, sizeof *raw);
}

template <typename T>
FASTSCNN_HD inline void load(const T *src, float (&dst)[kLanes]) {
  unpack(load_raw(src, true), dst);
}

template <typename T>
FASTSCNN_HD inline void store(T *dst, const float (&src)[kLanes]) {
  Raw<T> raw;
  pack(src, &raw);
  FASTSCNN_UNROLL
  for (int i = 0; i < static_cast<int>(sizeof(T) / 2); i++)
    store_16(reinterpret_cast<uint4 *>(dst) + i, raw.words[i]);
}

/// NaN stays NaN on the host, where tests poison memory with it.
FASTSCNN_HD inline float clamp(float x, float low, float high) {
#ifdef __CUDA_ARCH__
  return fminf(fmaxf(x, low), high);
#else
  return x < low ? low : x > high ? high : x;
#endif
}

FASTSCNN_HD inline float lerp(float a, float b, float weight) {
  return a + weight * (b - a);
}

}  // namespace fastscnn::cuda
