// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/engine.h"

#include <algorithm>
#include <utility>

#include "cpu/engine/classify.h"
#include "cpu/engine/int8/instructions.h"
#include "cpu/engine/network.h"
#include "cpu/engine/temporalfilter.h"
#include "cpu/taskgraph.h"

namespace fastscnn {
namespace {

/// Rows, processed in tiles by several threads.
class RowTiles {
 public:
  explicit RowTiles(int rows)
      : rows_(rows), tiles_((rows + kTileRows - 1) / kTileRows) {}

  /// Calls body (y, worker) for every row, as TaskGraph::run() does for tasks.
  template <typename Body>
  void run(Workers &workers, int threads, const Body &body) {
    tiles_.run(workers, threads, [&](int tile, int worker) {
      const int end = std::min(rows_, (tile + 1) * kTileRows);
      for (int y = tile * kTileRows; y < end; y++) body(y, worker);
    });
  }

 private:
  static constexpr int kTileRows = 8;

  int rows_;
  TaskGraph tiles_;
};

/// The pixel counts of one thread, by area and id.
class Counts {
 public:
  explicit Counts(int areas) : of_(size_t(areas) * 256 + kGap) {}

  void clear() { std::fill(of_.begin(), of_.end(), 0u); }

  /// Adds a row, run by run: most neighbours are equal. areas: null if there is
  /// only one area.
  void add(const uint8_t *ids, const uint8_t *areas, int width) {
    if (areas)
      add_runs(ids, width, [areas](int x) { return areas[x]; });
    else
      add_runs(ids, width, [](int) { return 0; });
  }

  void add_to(uint32_t *sums) const {
    for (size_t i = 0; i + kGap < of_.size(); i++) sums[i] += of_[i];
  }

 private:
  static constexpr size_t kGap = 16;  // a cache line: no false sharing

  template <typename Area>
  void add_runs(const uint8_t *ids, int width, const Area &area) {
    for (int x = 0, begin = 0; x < width; begin = x) {
      while (++x < width && ids[x] == ids[begin] && area(x) == area(begin))
        continue;
      of_[area(begin) * 256 + ids[begin]] += static_cast<uint32_t>(x - begin);
    }
  }

  std::vector<uint32_t> of_;
};

/// Everything that depends on the size of the frames and of the network.
template <typename AnyWeights>
class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(
      std::shared_ptr<const AnyWeights> weights, const FrameInfo &src,
      const Config &config, int threads) {
    auto network = FASTSCNN_TRY(Network<AnyWeights>::create(
        weights, config.input_width, config.input_height, threads));
    TemporalFilter filter =
        FASTSCNN_TRY(TemporalFilter::create(network->logits()));
    std::unique_ptr<Pipeline> pipeline(new Pipeline(
        std::move(network), std::move(filter), *weights, src, config, threads));
    FASTSCNN_TRY(pipeline->allocate());
    return pipeline;
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }
  void reset() { filter_.reset(); }

  void set_areas(const uint8_t *areas, int n) {
    areas_.clear();
    if (n > 1) areas_.assign(areas, areas + size_t(mask_width_) * mask_height_);
    n_areas_ = n;
    counts_.assign(threads_, Counts(n));
  }

  void segment(Workers &workers, const ConstFrame &frame, const Mask &mask,
               const Options &options) {
    image_rows_.run(workers, threads_, [&](int y, int worker) {
      preprocess_.row(frame, y, preprocess_scratch_[worker].data(),
                      network_->image_row(y));
    });
    network_->run(workers);
    const float *logits = grid_.data;
    if (options.smoothing > 0)
      logits = filter_.add(*network_, options.smoothing);
    else
      filter_.reset();
    const bool prefilter =
        !mask.confidence && options.confidence_threshold <= 0;
    if (prefilter)
      grid_rows_.run(workers, threads_, [&](int y, int worker) {
        classify_.prefilter(logits, y, scratch_[worker].data());
      });
    if (mask.counts)
      for (Counts &counts : counts_) counts.clear();
    mask_rows_.run(workers, threads_, [&](int y, int worker) {
      uint8_t *ids = mask.ids + ptrdiff_t(y) * mask.stride;
      uint8_t *confidence =
          mask.confidence
              ? mask.confidence + ptrdiff_t(y) * mask.confidence_stride
              : nullptr;
      classify_.row(logits, y, options.confidence_threshold, prefilter,
                    scratch_[worker].data(), ids, confidence);
      if (mask.counts) counts_[worker].add(ids, areas_of_row(y), mask_width_);
    });
    if (mask.counts) sum_counts(mask.counts);
  }

 private:
  Pipeline(std::unique_ptr<Network<AnyWeights>> network, TemporalFilter filter,
           const AnyWeights &weights, const FrameInfo &src,
           const Config &config, int threads)
      : threads_(threads),
        network_(std::move(network)),
        preprocess_(weights.make_preprocess(src, config.input_width,
                                            config.input_height)),
        filter_(std::move(filter)),
        grid_(network_->logits()),
        mask_width_(config.mask_width ? config.mask_width : grid_.width),
        mask_height_(config.mask_height ? config.mask_height : grid_.height),
        classify_(grid_, mask_width_, mask_height_,
                  weights.model().info().variant.align_corners),
        image_rows_(network_->height()),
        grid_rows_(grid_.height),
        mask_rows_(mask_height_),
        counts_(threads, Counts(1)) {}

  Result<> allocate() {
    for (int t = 0; t < threads_; t++) {
      scratch_.push_back(
          FASTSCNN_TRY(AlignedBuffer::create(classify_.scratch_size())));
      preprocess_scratch_.push_back(FASTSCNN_TRY(
          AlignedArray<Lerped>::create(preprocess_.scratch_size())));
    }
    return {};
  }

  void sum_counts(uint32_t *sums) const {
    std::fill_n(sums, 256 * n_areas_, 0u);
    for (const Counts &counts : counts_) counts.add_to(sums);
  }

  const uint8_t *areas_of_row(int y) const {
    return areas_.empty() ? nullptr : &areas_[size_t(y) * mask_width_];
  }

  using Lerped = typename AnyWeights::Lerped;

  int threads_;
  std::unique_ptr<Network<AnyWeights>> network_;
  typename AnyWeights::Preprocess preprocess_;
  TemporalFilter filter_;
  Logits grid_;
  int mask_width_;
  int mask_height_;
  Classify classify_;
  RowTiles image_rows_;
  RowTiles grid_rows_;
  RowTiles mask_rows_;
  std::vector<AlignedBuffer> scratch_;                    // one per worker
  std::vector<AlignedArray<Lerped>> preprocess_scratch_;  // the same
  std::vector<Counts> counts_;                            // one per worker
  std::vector<uint8_t> areas_;  // (height, width); empty: one area
  int n_areas_ = 1;
};

template <typename AnyWeights>
class CpuEngine : public Engine {
 public:
  CpuEngine(std::shared_ptr<const AnyWeights> weights,
            std::shared_ptr<Workers> workers, int threads)
      : weights_(std::move(weights)),
        workers_(std::move(workers)),
        threads_(threads) {}

  Result<> configure(const FrameInfo &src, const Config &config) override {
    pipeline_.reset();
    if (src.memory != Memory::kHost)
      return Error{Error::Kind::kFormat,
                   "The CPU engine cannot read frames in device memory; put "
                   "cudadownload in front"};
    pipeline_ = FASTSCNN_TRY(
        Pipeline<AnyWeights>::create(weights_, src, config, threads_));
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue) override {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The engine has not been configured"};
    pipeline_->segment(*workers_, frame, mask, options);
    return {};
  }

  Result<> set_areas(const uint8_t *areas, int n) override {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The engine has not been configured"};
    pipeline_->set_areas(areas, n);
    return {};
  }

  int mask_width() const override {
    return pipeline_ ? pipeline_->mask_width() : 0;
  }
  int mask_height() const override {
    return pipeline_ ? pipeline_->mask_height() : 0;
  }

  void reset() override {
    if (pipeline_) pipeline_->reset();
  }

  const char *precision() const override { return weights_->precision(); }

 private:
  std::shared_ptr<const AnyWeights> weights_;
  std::shared_ptr<Workers> workers_;
  int threads_;
  std::unique_ptr<Pipeline<AnyWeights>> pipeline_;
};

}  // namespace

Result<Precision> choose_precision(const Model &model, Precision wanted) {
  const bool has_scales = !model.info().activation_scales.empty();
  if (wanted == Precision::kInt8 && !has_scales)
    return Error{Error::Kind::kModel,
                 "The model " + model.info().name +
                     " has no activation scales, which precision=int8 needs; "
                     "add them with models/calibrate.py"};
  if (wanted != Precision::kAuto) return wanted;
  return has_scales && int8::is_faster_than_fp32() ? Precision::kInt8
                                                   : Precision::kFp32;
}

template <typename AnyWeights>
std::unique_ptr<Engine> make_cpu_engine(
    std::shared_ptr<const AnyWeights> weights, std::shared_ptr<Workers> workers,
    int threads) {
  return std::make_unique<CpuEngine<AnyWeights>>(std::move(weights),
                                                 std::move(workers), threads);
}

template std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights>,
                                                 std::shared_ptr<Workers>, int);
template std::unique_ptr<Engine> make_cpu_engine(
    std::shared_ptr<const int8::Weights>, std::shared_ptr<Workers>, int);

}  // namespace fastscnn
