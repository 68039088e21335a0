// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/depthwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/depthwise.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

// Neighbouring outputs that share loads: columns, and as many rows as registers
// allow.
constexpr int kTile = 4;
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kRows = 2;
#else
constexpr int kRows = 1;
#endif

// Columns addressed from one pointer; see convgemm.cpp.
constexpr int kGroup = 3;

struct Rows {
  const float *const *src;  // null: outside the image
  int src_width;
  float *dst;
  ptrdiff_t pitch;  // from a row of dst to the next
};

/// Computes outputs x to x + kTile - 1 of kCount rows. The first input column
/// may lie left of the image, the last one right of it.
template <int kStride, int kCount>
HWY_INLINE void tile(const Depthwise &layer, const Rows &rows, int x) {
  constexpr int kColumns = (kTile - 1) * kStride + 3;
  constexpr int kGroups = (kColumns + kGroup - 1) / kGroup;
  constexpr int kSources = (kCount - 1) * kStride + 3;
  const Tag d;
  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  const ptrdiff_t step = layer.channels;
  const bool left = x == 0;
  const bool right = x * kStride - 1 + kColumns > rows.src_width;
  const float *in[kSources][kGroups];
  for (int r = 0; r < kSources; r++)
    for (int g = 0; g < kGroups; g++)
      in[r][g] = rows.src[r]
                     ? rows.src[r] + (x * kStride - 1 + g * kGroup) * step
                     : nullptr;
  float *out[kCount];
  for (int y = 0; y < kCount; y++)
    out[y] = rows.dst + y * rows.pitch + x * step;
  const float *weights = layer.weights;

  for (int c = 0; c < step; c += kLanes) {
    Vector sum[kCount][kTile];
    for (auto &row : sum)
      for (Vector &s : row) s = hn::Load(d, layer.bias + c);
    for (int r = 0; r < kSources; r++) {
      if (!rows.src[r]) continue;
      Vector column[kColumns];
      for (int i = 0; i < kColumns; i++) {
        const bool outside = (i == 0 && left) || (i == kColumns - 1 && right);
        column[i] =
            outside ? hn::Zero(d)
                    : hn::Load(d, in[r][i / kGroup] + i % kGroup * step + c);
      }
      for (int y = 0; y < kCount; y++) {
        const int ky = r - y * kStride;
        if (ky < 0 || ky > 2) continue;
        for (int kx = 0; kx < 3; kx++) {
          const Vector w = hn::Load(d, weights + (ky * 3 + kx) * kChannelBlock);
          for (int i = 0; i < kTile; i++)
            sum[y][i] = hn::MulAdd(column[i * kStride + kx], w, sum[y][i]);
        }
      }
    }
    for (int y = 0; y < kCount; y++)
      for (int i = 0; i < kTile; i++)
        hn::Store(hn::Min(hn::Max(sum[y][i], low), high), d,
                  out[y] + i * step + c);
    weights = layer.weight(c + kLanes);
  }
}

/// Computes one output, for any stride and dilation.
HWY_INLINE void pixel(const Depthwise &layer, const Rows &rows, int x) {
  const Tag d;
  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  const int channels = layer.channels;
  const int first = x * layer.stride - layer.dilation;
  for (int c = 0; c < channels; c += kLanes) {
    Vector sum = hn::Load(d, layer.bias + c);
    for (int r = 0; r < 3; r++)
      for (int k = 0; rows.src[r] && k < 3; k++) {
        const int column = first + k * layer.dilation;
        if (column < 0 || column >= rows.src_width) continue;
        sum = hn::MulAdd(
            hn::Load(d, rows.src[r] + size_t(column) * channels + c),
            hn::Load(d, layer.weight(c) + (r * 3 + k) * kChannelBlock), sum);
      }
    hn::Store(hn::Min(hn::Max(sum, low), high), d,
              rows.dst + size_t(x) * channels + c);
  }
}

template <int kCount>
void run_rows(const Depthwise &layer, const Rows &rows, int dst_width) {
  for (int x = 0; x < dst_width; x += kTile) {
    // The last tile may overlap the one before it.
    const int at = std::min(x, dst_width - kTile);
    if (layer.stride == 1)
      tile<1, kCount>(layer, rows, at);
    else
      tile<2, kCount>(layer, rows, at);
  }
}

void run(const Depthwise &layer, const float *const *src, int src_width,
         float *dst, ptrdiff_t pitch, int dst_width, int count) {
  Rows rows = {src, src_width, dst, pitch};
  const bool tiles = layer.dilation == 1 && dst_width >= kTile;
  if (tiles && count == kRows) {
    run_rows<kRows>(layer, rows, dst_width);
    return;
  }
  for (; count > 0; count--, rows.src += layer.stride, rows.dst += pitch)
    if (tiles)
      run_rows<1>(layer, rows, dst_width);
    else
      for (int x = 0; x < dst_width; x++) pixel(layer, rows, x);
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {

HWY_EXPORT(run);

void depthwise(const Depthwise &layer, const float *const *rows, int src_width,
               float *dst, ptrdiff_t pitch, int dst_width, int count) {
  HWY_DYNAMIC_DISPATCH(run)
  (layer, rows, src_width, dst, pitch, dst_width, count);
}

}  // namespace fastscnn
#endif
