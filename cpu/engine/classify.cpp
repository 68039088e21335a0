// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/classify.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "net/engine.h"

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

/// The logits of kLanes neighbouring outputs. Two ways to fetch them: from
/// anywhere, or from one vector that holds them all.
template <bool kClose>
class Sampler {
 public:
  HWY_INLINE Sampler(const Classify::Columns &columns, int x)
      : base_(kClose ? columns.first[x] : 0),
        first_(index(columns.first, x)),
        second_(index(columns.second, x)),
        weight_(hn::LoadU(Tag(), columns.weight.data() + x)) {}

  HWY_INLINE Vector operator()(const float *row) const {
    const Tag d;
    Vector a, b;
    if constexpr (kClose) {
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

/// Interpolates all classes between the rows.
const float *mix(const Classify::Around &around, float *scratch) {
  if (around.weight == 0) return around.top;
  const Tag d;
  const Vector w = hn::Set(d, around.weight);
  for (int i = 0; i < around.classes * around.pitch; i += kLanes) {
    const Vector a = hn::Load(d, around.top + i);
    hn::Store(hn::MulAdd(hn::Sub(hn::Load(d, around.bottom + i), a), w, a), d,
              scratch + i);
  }
  return scratch;
}

/// The class that leads at all points around the outputs from x on, or
/// kUnknown.
HWY_INLINE uint8_t leader(const Classify::Columns &columns,
                          const uint8_t *leaders, int x) {
  const int last = columns.second[x + kLanes - 1];
  int i = columns.first[x];
  const uint8_t id = leaders[i];
  while (i < last)
    if (leaders[++i] != id) return kUnknown;
  return id;
}

template <bool kClose, bool kProbability>
void find_classes(const Classify::Columns &columns,
                  const Classify::Around &around, int width, float threshold,
                  float *scratch, uint8_t *ids, uint8_t *confidence) {
  const Tag d;
  const Ints di;
  const float *rows = nullptr;  // not interpolated yet
  HWY_ALIGN float values[kProbability ? kMaxClasses * kLanes : kLanes];
  for (int x = 0; x < width; x += kLanes) {
    if (!kProbability && around.leaders) {
      const uint8_t id = leader(columns, around.leaders, x);
      if (id != kUnknown) {
        std::fill_n(ids + x, std::min<int>(kLanes, width - x), id);
        continue;
      }
    }
    if (!rows) rows = mix(around, scratch);

    const Sampler<kClose> sample(columns, x);
    Vector best = sample(rows);
    hn::Vec<Ints> id = hn::Zero(di);
    if (kProbability) hn::Store(best, d, values);
    for (int c = 1; c < around.classes; c++) {
      const Vector v = sample(rows + c * around.pitch);
      if (kProbability) hn::Store(v, d, values + c * kLanes);
      const auto larger = hn::Gt(v, best);
      best = hn::IfThenElse(larger, v, best);
      id = hn::IfThenElse(hn::RebindMask(di, larger), hn::Set(di, c), id);
    }
    if (kProbability) {
      Vector sum = hn::Zero(d);
      for (int c = 0; c < around.classes; c++)
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
                  const Classify::Around &around, int width, float threshold,
                  float *scratch, uint8_t *ids, uint8_t *confidence) {
  const bool probability = confidence || threshold > 0;
  auto find = columns.close ? probability ? find_classes<true, true>
                                          : find_classes<true, false>
              : probability ? find_classes<false, true>
                            : find_classes<false, false>;
  find(columns, around, width, threshold, scratch, ids, confidence);
}

/// Class and lead of the best logit at every point of a row; returns the
/// largest magnitude in it.
float survey_row(const float *row, int classes, int pitch, int width,
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
HWY_EXPORT(survey_row);
HWY_EXPORT(lanes);

// A class leads clearly if no rounding can change that. Interpolating takes
// two steps, each off by at most 4 * 2^-24 of the largest value at the four
// points; rows are only trusted together if their largest values differ by a
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
      leaders_(size_t(grid.width) * grid.height),
      peaks_(grid.height) {
  std::vector<Tap> taps = resize_taps(grid.width, width, align_corners);
  const size_t lanes = HWY_DYNAMIC_DISPATCH(lanes)();
  // A last vector that is not full repeats the last column.
  while (taps.size() % lanes) taps.push_back(taps.back());
  columns_.close = true;
  for (size_t x = 0; x < taps.size(); x++) {
    columns_.first.push_back(taps[x].first);
    columns_.second.push_back(taps[x].second);
    columns_.weight.push_back(taps[x].weight);
    const int base = taps[x / lanes * lanes].first;
    if (taps[x].second - base >= int(lanes) || base + int(lanes) > grid.pitch)
      columns_.close = false;
  }
}

void Classify::survey(const float *logits, int y, float *scratch) {
  uint8_t *ids = &leaders_[size_t(y) * grid_.width];
  float *leads = scratch;
  peaks_[y] = HWY_DYNAMIC_DISPATCH(survey_row)(
      logits + size_t(y) * grid_.classes * grid_.pitch, grid_.classes,
      grid_.pitch, grid_.width, ids, leads);
  for (int x = 0; x < grid_.width; x++)
    if (!(leads[x] > kClearLead * peaks_[y])) ids[x] = kUnknown;
}

void Classify::row(const float *logits, int y, float threshold, bool surveyed,
                   float *scratch, uint8_t *ids, uint8_t *confidence) const {
  const Tap &t = rows_[y];
  const size_t row = size_t(grid_.classes) * grid_.pitch;
  Around around = {logits + t.first * row,
                   logits + t.second * row,
                   t.weight,
                   grid_.classes,
                   grid_.pitch,
                   nullptr};
  const auto peaks = std::minmax(peaks_[t.first], peaks_[t.second]);
  if (surveyed && peaks.second <= kPeakRatio * peaks.first) {
    const uint8_t *top = &leaders_[size_t(t.first) * grid_.width];
    const uint8_t *bottom = &leaders_[size_t(t.second) * grid_.width];
    auto both = reinterpret_cast<uint8_t *>(scratch + row);
    for (int x = 0; x < grid_.width; x++)
      both[x] = top[x] == bottom[x] ? top[x] : kUnknown;
    around.leaders = both;
  }
  HWY_DYNAMIC_DISPATCH(classify_row)
  (columns_, around, width_, threshold, scratch, ids, confidence);
}

}  // namespace fastscnn
#endif
