// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/painter/loops.h"

#include <cstring>

// No clones with sanitizers: the loader chooses a clone before they are
// initialised.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif

namespace fastscnn {
namespace {

inline uint8_t blend(uint8_t sample, uint16_t keep, uint16_t color) {
  const uint16_t high = sample << 8;
  const uint16_t kept = uint32_t{high} * keep >> 16;
  return static_cast<uint16_t>(kept + color) >> 7;
}

inline uint16_t mean(uint16_t a, uint16_t b) { return (a + b + 1) >> 1; }

template <int kTaps>
inline uint16_t average(const uint16_t *in) {
  if (kTaps == 1) return in[0];
  if (kTaps == 2) return mean(in[0], in[1]);
  return mean(mean(in[0], in[2]), in[1]);
}

template <int kTaps>
inline void average_one(const uint16_t *__restrict keep,
                        const uint16_t *__restrict color, int count,
                        uint16_t *__restrict keep_out,
                        uint16_t *__restrict color_out) {
  constexpr int kStride = kTaps == 1 ? 1 : 2;
  for (int i = 0; i < count; i++) {
    keep_out[i] = average<kTaps>(keep + kStride * i);
    color_out[i] = average<kTaps>(color + kStride * i);
  }
}

template <int kTaps>
inline void average_two(const uint16_t *__restrict keep,
                        const uint16_t *__restrict first,
                        const uint16_t *__restrict second, int count,
                        uint16_t *__restrict keep_out,
                        uint16_t *__restrict color_out) {
  constexpr int kStride = kTaps == 1 ? 1 : 2;
  for (int i = 0; i < count; i++) {
    keep_out[2 * i] = keep_out[2 * i + 1] = average<kTaps>(keep + kStride * i);
    color_out[2 * i] = average<kTaps>(first + kStride * i);
    color_out[2 * i + 1] = average<kTaps>(second + kStride * i);
  }
}

inline float between(Pair pair, float weight) {
  return pair.left + (pair.right - pair.left) * weight;
}

template <int kStride>
inline void replace(uint8_t *__restrict samples, int stride, int count,
                    const float *__restrict weight, Pair strength, Pair color) {
  const int s = kStride ? kStride : stride;
  for (int i = 0; i < count; i++) {
    const float kept = 1.f - between(strength, weight[i]);
    const float added = between(color, weight[i]) + 0.5f;
    samples[i * s] =
        static_cast<uint8_t>(static_cast<int>(samples[i * s] * kept + added));
  }
}

/// replace() for a strength of 1 everywhere; does not read the samples.
template <int kStride>
inline void replace_all(uint8_t *__restrict samples, int stride, int count,
                        const float *__restrict weight, Pair color) {
  const int s = kStride ? kStride : stride;
  for (int i = 0; i < count; i++)
    samples[i * s] = static_cast<uint8_t>(
        static_cast<int>(between(color, weight[i]) + 0.5f));
}

}  // namespace

VECTORS void blend_bytes(uint8_t *__restrict samples, int count,
                         const uint16_t *__restrict keep,
                         const uint16_t *__restrict color) {
  for (int i = 0; i < count; i++)
    samples[i] = blend(samples[i], keep[i], color[i]);
}

VECTORS void blend_every_other(uint8_t *__restrict samples, int count,
                               const uint16_t *__restrict keep,
                               const uint16_t *__restrict color) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  constexpr int kThis = 8;
#else
  constexpr int kThis = 0;
#endif
  constexpr int kOther = 8 - kThis;
  // 16-bit words vectorise. The last sample is done alone: it may end the
  // buffer.
  for (int i = 0; i < count - 1; i++) {
    uint16_t word;
    std::memcpy(&word, samples + 2 * i, 2);
    const uint16_t blended = blend(word >> kThis & 255, keep[i], color[i]);
    word = (word & 255 << kOther) | blended << kThis;
    std::memcpy(samples + 2 * i, &word, 2);
  }
  const int last = count - 1;
  samples[2 * last] = blend(samples[2 * last], keep[last], color[last]);
}

VECTORS void average_rows(const uint16_t *__restrict a,
                          const uint16_t *__restrict b,
                          const uint16_t *__restrict c, int count,
                          uint16_t *__restrict out) {
  if (!c)
    for (int i = 0; i < count; i++) out[i] = mean(a[i], b[i]);
  else
    for (int i = 0; i < count; i++) out[i] = mean(mean(a[i], c[i]), b[i]);
}

VECTORS void average_columns(int taps, const uint16_t *keep,
                             const uint16_t *first, const uint16_t *second,
                             int count, uint16_t *keep_out,
                             uint16_t *color_out) {
  if (!second && taps == 1)
    average_one<1>(keep, first, count, keep_out, color_out);
  else if (!second && taps == 2)
    average_one<2>(keep, first, count, keep_out, color_out);
  else if (!second)
    average_one<3>(keep, first, count, keep_out, color_out);
  else if (taps == 1)
    average_two<1>(keep, first, second, count, keep_out, color_out);
  else if (taps == 2)
    average_two<2>(keep, first, second, count, keep_out, color_out);
  else
    average_two<3>(keep, first, second, count, keep_out, color_out);
}

VECTORS void replace_samples(uint8_t *samples, int stride, int count,
                             const float *weight, Pair strength, Pair color) {
  const bool all = strength.left == 1.f && strength.right == 1.f;
  if (all && stride == 1)
    replace_all<1>(samples, 1, count, weight, color);
  else if (all)
    replace_all<0>(samples, stride, count, weight, color);
  else if (stride == 1)
    replace<1>(samples, 1, count, weight, strength, color);
  else
    replace<0>(samples, stride, count, weight, strength, color);
}

}  // namespace fastscnn
