// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/depthwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/depthwise.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

// Neighbouring outputs that share what they read.
constexpr int kTile = 4;

/// The rows that lie inside the image, with their weights.
struct Rows {
  int count = 0;
  const float *data[3];
  const float *weights[3];
};

/// Outputs x to x + kTile - 1, which read no column outside the image.
template <int kStride>
HWY_INLINE void tile(const Depthwise &layer, const Rows &rows, float *dst,
                     int x) {
  constexpr int kColumns = (kTile - 1) * kStride + 3;
  const Tag d;
  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  const int channels = layer.channels;
  const size_t first = size_t(x * kStride - 1) * channels;
  float *out = dst + size_t(x) * channels;
  for (int c = 0; c < channels; c += kLanes) {
    Vector sum[kTile];
    for (Vector &s : sum) s = hn::Load(d, layer.bias + c);
    for (int r = 0; r < rows.count; r++) {
      const float *in = rows.data[r] + first + c;
      const float *weights = rows.weights[r] + c;
      Vector column[kColumns];
      for (int i = 0; i < kColumns; i++)
        column[i] = hn::Load(d, in + i * channels);
      for (int k = 0; k < 3; k++) {
        const Vector w = hn::Load(d, weights + k * channels);
        for (int i = 0; i < kTile; i++)
          sum[i] = hn::MulAdd(column[i * kStride + k], w, sum[i]);
      }
    }
    for (int i = 0; i < kTile; i++)
      hn::Store(hn::Min(hn::Max(sum[i], low), high), d, out + i * channels + c);
  }
}

/// Any single output.
HWY_INLINE void pixel(const Depthwise &layer, const Rows &rows, int src_width,
                      float *dst, int x) {
  const Tag d;
  const Vector low = hn::Set(d, layer.clamp.low);
  const Vector high = hn::Set(d, layer.clamp.high);
  const int channels = layer.channels;
  const int first = x * layer.stride - layer.dilation;
  for (int c = 0; c < channels; c += kLanes) {
    Vector sum = hn::Load(d, layer.bias + c);
    for (int r = 0; r < rows.count; r++)
      for (int k = 0; k < 3; k++) {
        const int column = first + k * layer.dilation;
        if (column < 0 || column >= src_width) continue;
        sum = hn::MulAdd(
            hn::Load(d, rows.data[r] + size_t(column) * channels + c),
            hn::Load(d, rows.weights[r] + k * channels + c), sum);
      }
    hn::Store(hn::Min(hn::Max(sum, low), high), d,
              dst + size_t(x) * channels + c);
  }
}

void run(const Depthwise &layer, const float *const all[3], int src_width,
         float *dst, int dst_width) {
  Rows rows;
  for (int r = 0; r < 3; r++)
    if (all[r]) {
      rows.data[rows.count] = all[r];
      rows.weights[rows.count++] = layer.weights + r * 3 * layer.channels;
    }

  int x = 0;
  if (layer.dilation == 1) {
    // The last output of a tile reads up to this column.
    const int reach = (kTile - 1) * layer.stride + 1;
    pixel(layer, rows, src_width, dst, x++);
    for (; x + kTile <= dst_width && x * layer.stride + reach < src_width;
         x += kTile)
      if (layer.stride == 1)
        tile<1>(layer, rows, dst, x);
      else
        tile<2>(layer, rows, dst, x);
  }
  for (; x < dst_width; x++) pixel(layer, rows, src_width, dst, x);
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {

HWY_EXPORT(run);

void depthwise(const Depthwise &layer, const float *const rows[3],
               int src_width, float *dst, int dst_width) {
  HWY_DYNAMIC_DISPATCH(run)(layer, rows, src_width, dst, dst_width);
}

}  // namespace fastscnn
#endif
