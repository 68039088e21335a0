// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/preprocess.h"

#include "cpu/engine/componenttaps.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/preprocess.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

/// Interpolates bytes between two rows.
void lerp_rows(const uint8_t *top, const uint8_t *bottom, float weight,
               int count, float *out) {
  const Tag d;
  const Ints di;
  const hn::Rebind<uint8_t, Ints> du8;
  auto load = [&](const uint8_t *p) HWY_ATTR {
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(du8, p)));
  };
  const Vector w = hn::Set(d, weight);
  int i = 0;
  for (; i + int(kLanes) <= count; i += kLanes) {
    const Vector a = load(top + i);
    const Vector v =
        weight == 0 ? a : hn::MulAdd(hn::Sub(load(bottom + i), a), w, a);
    hn::StoreU(v, d, out + i);
  }
  for (; i < count; i++) out[i] = top[i] + (bottom[i] - top[i]) * weight;
}

HWY_INLINE Vector sample(const Preprocess::Columns &columns,
                         const float *scratch, int x) {
  const Tag d;
  const Ints di;
  const float *base = scratch + columns.begin;
  const Vector a =
      hn::GatherIndex(d, base, hn::LoadU(di, columns.first.data() + x));
  if (!columns.interpolates) return a;
  const Vector b =
      hn::GatherIndex(d, base, hn::LoadU(di, columns.second.data() + x));
  return hn::MulAdd(hn::Sub(b, a), hn::LoadU(d, columns.weight.data() + x), a);
}

void convert(const Preprocess::Columns *columns, int components,
             const Preprocess::Color &color, const float *scratch, int width,
             float *dst) {
  const Tag d;
  for (int x = 0; x < width; x += kLanes) {
    Vector rgb[3];
    for (int i = 0; i < 3; i++) rgb[i] = hn::Set(d, color.offset[i]);
    for (int c = 0; c < components; c++) {
      const Vector v = sample(columns[c], scratch, x);
      for (int i = 0; i < 3; i++)
        rgb[i] = hn::MulAdd(v, hn::Set(d, color.matrix[i][c]), rgb[i]);
    }
    for (int i = 0; i < 3; i++) {
      rgb[i] = hn::Min(hn::Max(rgb[i], hn::Zero(d)), hn::Set(d, 1.0f));
      rgb[i] = hn::MulAdd(rgb[i], hn::Set(d, color.scale[i]),
                          hn::Set(d, color.shift[i]));
    }
    hn::StoreInterleaved3(rgb[0], rgb[1], rgb[2], d, dst + 3 * x);
  }
}

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {
namespace {

HWY_EXPORT(lerp_rows);
HWY_EXPORT(convert);

}  // namespace

Preprocess::Preprocess(const FrameInfo &info, int width, int height,
                       const float mean[3], const float std[3])
    : width_(width), components_(info.components) {
  for (int c = 0; c < info.components; c++) {
    const Component &k = info.component[c];
    std::vector<Tap> taps = component_rows(info, c, height);
    // Components that are interleaved in a plane are interpolated together.
    size_t begin = scratch_size_;
    for (int other = 0; other < c; other++) {
      const Component &o = info.component[other];
      if (o.plane == k.plane && o.shift_y == k.shift_y &&
          o.origin_y == k.origin_y)
        begin = columns_[other].begin;
    }
    if (begin == scratch_size_) {
      rows_.push_back(
          {k.plane, info.row_bytes[k.plane], std::move(taps), begin});
      scratch_size_ += info.row_bytes[k.plane];
    }

    Columns &columns = columns_[c];
    columns.begin = begin;
    for (const Tap &t : component_columns(info, c, width)) {
      columns.first.push_back(k.offset + t.first * k.pixel_stride);
      columns.second.push_back(k.offset + t.second * k.pixel_stride);
      columns.weight.push_back(t.weight);
      if (t.weight != 0) columns.interpolates = true;
    }
  }
  for (int i = 0; i < 3; i++) {
    for (int c = 0; c < 3; c++)
      color_.matrix[i][c] = info.to_rgb.matrix[i][c] / 255;
    color_.offset[i] = info.to_rgb.offset[i];
    color_.scale[i] = 1 / std[i];
    color_.shift[i] = -mean[i] / std[i];
  }
}

void Preprocess::row(const ConstFrame &src, int y, float *scratch,
                     float *dst) const {
  for (const Rows &rows : rows_) {
    const Tap &t = rows.taps[y];
    const uint8_t *plane = src.data[rows.plane];
    const ptrdiff_t stride = src.stride[rows.plane];
    HWY_DYNAMIC_DISPATCH(lerp_rows)
    (plane + t.first * stride, plane + t.second * stride, t.weight, rows.bytes,
     scratch + rows.begin);
  }
  HWY_DYNAMIC_DISPATCH(convert)
  (columns_, components_, color_, scratch, width_, dst);
}

}  // namespace fastscnn
#endif
