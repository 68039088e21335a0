// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/classify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "net/engine.h"
#include "net/model.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/engine/classify.cpp"
#include "cpu/simd.h"
#include "hwy/foreach_target.h"
#include "cpu/simd-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastscnn::HWY_NAMESPACE {
namespace {

using Bytes = hn::Rebind<uint8_t, Ints>;

/// Interpolates kLanes neighbouring outputs of a row: by gathering the inputs
/// or, if one vector holds them all, by permuting it.
template <bool kOneVector>
class Sampler {
 public:
  HWY_INLINE Sampler(const Classify::Columns &columns, int x)
      : base_(kOneVector ? columns.first[x] : 0),
        first_(index(columns.first, x)),
        second_(index(columns.second, x)),
        weight_(hn::LoadU(Tag(), columns.weight.data() + x)) {}

  HWY_INLINE Vector operator()(const float *row) const {
    const Tag d;
    Vector a, b;
    if constexpr (kOneVector) {
      const Vector near = hn::LoadU(d, row + base_);
      a = hn::TableLookupLanes(near, hn::IndicesFromVec(d, first_));
      b = hn::TableLookupLanes(near, hn::IndicesFromVec(d, second_));
    } else {
      a = hn::GatherIndex(d, row, first_);
      b = hn::GatherIndex(d, row, second_);
    }
    return hn::MulAdd(hn::Sub(b, a), weight_, a);
  }

 private:
  HWY_INLINE hn::Vec<Ints> index(const std::vector<int32_t> &all, int x) const {
    const Ints di;
    return hn::Sub(hn::LoadU(di, all.data() + x), hn::Set(di, base_));
  }

  int32_t base_;
  hn::Vec<Ints> first_, second_;
  Vector weight_;
};

HWY_INLINE void store(hn::Vec<Ints> values, int count, uint8_t *dst) {
  const Bytes d;
  const auto bytes = hn::DemoteTo(d, values);
  if (count >= int(kLanes)) {
    hn::StoreU(bytes, d, dst);
    return;
  }
  uint8_t all[kLanes];
  hn::StoreU(bytes, d, all);
  std::copy_n(all, count, dst);
}

/// Interpolates all classes between the two rows.
const float *lerp(const Classify::RowPair &rows, float *scratch) {
  if (rows.weight == 0) return rows.top;
  const Tag d;
  const Vector w = hn::Set(d, rows.weight);
  for (int i = 0; i < rows.classes * rows.pitch; i += kLanes) {
    const Vector a = hn::Load(d, rows.top + i);
    hn::Store(hn::MulAdd(hn::Sub(hn::Load(d, rows.bottom + i), a), w, a), d,
              scratch + i);
  }
  return scratch;
}

/// The winner that all points around the kLanes outputs from x on have in
/// common, or kUnknown.
HWY_INLINE uint8_t common_winner(const Classify::Columns &columns,
                                 const uint8_t *winners, int x) {
  const int last = columns.second[x + kLanes - 1];
  int i = columns.first[x];
  const uint8_t id = winners[i];
  while (i < last)
    if (winners[++i] != id) return kUnknown;
  return id;
}

template <bool kOneVector, bool kProbability>
void find_classes(const Classify::Columns &columns,
                  const Classify::RowPair &rows, int width, float threshold,
                  float *scratch, uint8_t *ids, uint8_t *confidence) {
  const Tag d;
  const Ints di;
  const float *logits = nullptr;  // interpolated when first needed
  HWY_ALIGN float values[kProbability ? kMaxClasses * kLanes : kLanes];
  for (int x = 0; x < width; x += kLanes) {
    if (!kProbability && rows.winners) {
      const uint8_t id = common_winner(columns, rows.winners, x);
      if (id != kUnknown) {
        std::fill_n(ids + x, std::min<int>(kLanes, width - x), id);
        continue;
      }
    }
    if (!logits) logits = lerp(rows, scratch);

    const Sampler<kOneVector> sample(columns, x);
    Vector best = sample(logits);
    hn::Vec<Ints> id = hn::Zero(di);
    if (kProbability) hn::Store(best, d, values);
    for (int c = 1; c < rows.classes; c++) {
      const Vector v = sample(logits + c * rows.pitch);
      if (kProbability) hn::Store(v, d, values + c * kLanes);
      const auto larger = hn::Gt(v, best);
      best = hn::IfThenElse(larger, v, best);
      id = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, c), id);
    }
    if (kProbability) {
      Vector sum = hn::Zero(d);
      for (int c = 0; c < rows.classes; c++)
        sum = hn::Add(
            sum, hn::Exp(d, hn::Sub(hn::Load(d, values + c * kLanes), best)));
      const Vector probability = hn::Div(hn::Set(d, 1.0f), sum);
      const auto unsure = hn::Lt(probability, hn::Set(d, threshold));
      id =
          hn::IfThenElse(hn::RebindMask(di, unsure), hn::Set(di, kUnknown), id);
      if (confidence)
        store(hn::NearestInt(hn::Mul(probability, hn::Set(d, 255.0f))),
              width - x, confidence + x);
    }
    store(id, width - x, ids + x);
  }
}

void classify_row(const Classify::Columns &columns,
                  const Classify::RowPair &rows, int width, float threshold,
                  float *scratch, uint8_t *ids, uint8_t *confidence) {
  const bool probability = confidence || threshold > 0;
  auto find = columns.in_one_vector ? probability ? find_classes<true, true>
                                                  : find_classes<true, false>
              : probability ? find_classes<false, true>
                                    : find_classes<false, false>;
  find(columns, rows, width, threshold, scratch, ids, confidence);
}

/// Finds the best class at each point of a row, and its lead over the second;
/// returns the largest magnitude in the row.
float prefilter_row(const float *row, int classes, int pitch, int width,
                    uint8_t *ids, float *leads) {
  const Tag d;
  const Ints di;
  Vector peak = hn::Zero(d);
  for (int x = 0; x < width; x += kLanes) {
    const auto inside = hn::FirstN(d, width - x);
    auto load = [&](int c) HWY_ATTR {
      return hn::IfThenElseZero(inside, hn::Load(d, row + c * pitch + x));
    };
    Vector best = load(0);
    Vector second = hn::Set(d, -std::numeric_limits<float>::infinity());
    hn::Vec<Ints> id = hn::Zero(di);
    peak = hn::Max(peak, hn::Abs(best));
    for (int c = 1; c < classes; c++) {
      const Vector v = load(c);
      const auto larger = hn::Gt(v, best);
      second = hn::Max(second, hn::Min(v, best));
      best = hn::IfThenElse(larger, v, best);
      id = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, c), id);
      peak = hn::Max(peak, hn::Abs(v));
    }
    hn::Store(hn::Sub(best, second), d, leads + x);
    store(id, width - x, ids + x);
  }
  return hn::GetLane(hn::MaxOfLanes(d, peak));
}

size_t lanes() { return kLanes; }

}  // namespace
}  // namespace fastscnn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastscnn {
namespace {

HWY_EXPORT(classify_row);
HWY_EXPORT(prefilter_row);
HWY_EXPORT(lanes);

// A winner is clear if its lead exceeds kClearLead times the largest magnitude
// in its row: then rounding errors cannot change it. Interpolation takes two
// steps, each with an error of at most 4 * 2^-24 of the largest value at the
// four points; rows are only combined if their largest magnitudes differ by a
// factor of at most kPeakRatio.
constexpr float kClearLead = 2e-5f;
constexpr float kPeakRatio = 8;

}  // namespace

Classify::Classify(const Logits &grid, int width, int height,
                   bool align_corners)
    : grid_(grid),
      width_(width),
      scratch_size_(size_t(grid.classes + 1) * grid.pitch),
      rows_(resize_taps(grid.height, height, align_corners)),
      winners_(size_t(grid.width) * grid.height),
      peaks_(grid.height) {
  std::vector<Tap> taps = resize_taps(grid.width, width, align_corners);
  const size_t lanes = HWY_DYNAMIC_DISPATCH(lanes)();
  // Fill the last vector by repeating the last column.
  while (taps.size() % lanes) taps.push_back(taps.back());
  columns_.in_one_vector = true;
  for (size_t x = 0; x < taps.size(); x++) {
    columns_.first.push_back(taps[x].first);
    columns_.second.push_back(taps[x].second);
    columns_.weight.push_back(taps[x].weight);
    const int base = taps[x / lanes * lanes].first;
    if (taps[x].second - base >= int(lanes) || base + int(lanes) > grid.pitch)
      columns_.in_one_vector = false;
  }
}

void Classify::prefilter(const float *logits, int y, float *scratch) {
  uint8_t *ids = &winners_[size_t(y) * grid_.width];
  float *leads = scratch;
  peaks_[y] = HWY_DYNAMIC_DISPATCH(prefilter_row)(
      logits + size_t(y) * grid_.classes * grid_.pitch, grid_.classes,
      grid_.pitch, grid_.width, ids, leads);
  for (int x = 0; x < grid_.width; x++)
    if (!(leads[x] > kClearLead * peaks_[y])) ids[x] = kUnknown;
}

void Classify::row(const float *logits, int y, float threshold,
                   bool prefiltered, float *scratch, uint8_t *ids,
                   uint8_t *confidence) const {
  const Tap &t = rows_[y];
  const size_t row = size_t(grid_.classes) * grid_.pitch;
  RowPair rows = {logits + t.first * row,
                  logits + t.second * row,
                  t.weight,
                  grid_.classes,
                  grid_.pitch,
                  nullptr};
  const auto peaks = std::minmax(peaks_[t.first], peaks_[t.second]);
  if (prefiltered && peaks.second <= kPeakRatio * peaks.first) {
    const uint8_t *top = &winners_[size_t(t.first) * grid_.width];
    const uint8_t *bottom = &winners_[size_t(t.second) * grid_.width];
    auto both = reinterpret_cast<uint8_t *>(scratch + row);
    for (int x = 0; x < grid_.width; x++)
      both[x] = top[x] == bottom[x] ? top[x] : kUnknown;
    rows.winners = both;
  }
  HWY_DYNAMIC_DISPATCH(classify_row)
  (columns_, rows, width_, threshold, scratch, ids, confidence);
}

}  // namespace fastscnn
#endif
