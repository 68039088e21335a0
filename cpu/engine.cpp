// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cpu/classify.h"
#include "cpu/history.h"
#include "cpu/network.h"
#include "cpu/preprocess.h"
#include "cpu/schedule.h"

namespace fastscnn {
namespace {

// Rows of the image or the mask that a thread takes at once.
constexpr int kBand = 8;

// Pixels of each id that a thread has seen; a cache line is one thread's.
struct alignas(64) Counts {
  uint32_t of[256];

  // Neighbours are mostly equal: runs are added, not pixels.
  void add(const uint8_t *ids, int width) {
    for (int x = 0, begin = 0; x < width; begin = x) {
      while (++x < width && ids[x] == ids[begin]) continue;
      of[ids[begin]] += static_cast<uint32_t>(x - begin);
    }
  }
};

/// All that depends on the size of the frames and of the network.
class Pipeline {
 public:
  Pipeline(std::shared_ptr<const Weights> weights, const FrameInfo &src,
           const Config &config, int threads)
      : threads_(threads),
        network_(weights, config.input_width, config.input_height, threads),
        preprocess_(src, config.input_width, config.input_height,
                    weights->model().info().mean, weights->model().info().std),
        history_(network_) {
    const Logits grid = network_.logits();
    mask_width_ = config.mask_width ? config.mask_width : grid.width;
    mask_height_ = config.mask_height ? config.mask_height : grid.height;
    classify_.emplace(grid, mask_width_, mask_height_,
                      weights->model().info().variant.align_corners);
    image_bands_.emplace((network_.height() + kBand - 1) / kBand);
    grid_bands_.emplace((grid.height + kBand - 1) / kBand);
    mask_bands_.emplace((mask_height_ + kBand - 1) / kBand);
    for (int t = 0; t < threads; t++)
      scratch_.emplace_back(round_up(
          std::max(preprocess_.scratch_size(), classify_->scratch_size()),
          kLine));
    counts_.resize(threads);
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }
  void forget() { history_.forget(); }

  void load(Workers &workers, const ConstFrame &src) {
    image_bands_->run(workers, threads_, [&](int band, int worker) {
      const int end = std::min(network_.height(), (band + 1) * kBand);
      for (int y = band * kBand; y < end; y++)
        preprocess_.row(src, y, scratch_[worker].data(), network_.image_row(y));
    });
  }

  void infer(Workers &workers, const Mask &dst, const Options &options) {
    network_.run(workers);
    const float *logits = network_.logits().data;
    if (options.smoothing > 0)
      logits = history_.average(network_, options.smoothing);
    else
      history_.forget();
    const bool survey = !dst.confidence && options.confidence_threshold <= 0;
    if (survey)
      grid_bands_->run(workers, threads_, [&](int band, int worker) {
        const int end = std::min(network_.logits().height, (band + 1) * kBand);
        for (int y = band * kBand; y < end; y++)
          classify_->survey(logits, y, scratch_[worker].data());
      });
    if (dst.counts) std::fill(counts_.begin(), counts_.end(), Counts{});
    mask_bands_->run(workers, threads_, [&](int band, int worker) {
      const int end = std::min(mask_height_, (band + 1) * kBand);
      for (int y = band * kBand; y < end; y++) {
        uint8_t *ids = dst.ids + ptrdiff_t(y) * dst.stride;
        classify_->row(logits, y, options.confidence_threshold, survey,
                       scratch_[worker].data(), ids,
                       dst.confidence ? dst.confidence +
                                            ptrdiff_t(y) * dst.confidence_stride
                                      : nullptr);
        if (dst.counts) counts_[worker].add(ids, mask_width_);
      }
    });
    if (dst.counts) sum_counts(dst.counts);
  }

 private:
  void sum_counts(uint32_t *sums) const {
    std::fill_n(sums, 256, 0u);
    for (const Counts &counts : counts_)
      for (int id = 0; id < 256; id++) sums[id] += counts.of[id];
  }

  int threads_;
  Network network_;
  Preprocess preprocess_;
  History history_;
  int mask_width_;
  int mask_height_;
  std::optional<Classify> classify_;
  std::optional<Schedule> image_bands_;
  std::optional<Schedule> grid_bands_;
  std::optional<Schedule> mask_bands_;
  std::vector<Buffer> scratch_;  // one a worker
  std::vector<Counts> counts_;   // likewise
};

class CpuEngine : public Engine {
 public:
  CpuEngine(std::shared_ptr<const Weights> weights,
            std::shared_ptr<Workers> workers, int threads)
      : weights_(std::move(weights)),
        workers_(std::move(workers)),
        threads_(threads) {}

  void configure(const FrameInfo &src, const Config &config) override {
    pipeline_.reset();
    if (src.memory != Memory::kHost)
      throw Error(Error::Kind::kFormat,
                  "The CPU engine cannot read frames in device memory");
    try {
      pipeline_ = std::make_unique<Pipeline>(weights_, src, config, threads_);
    } catch (const std::bad_alloc &) {
      throw Error(Error::Kind::kDevice,
                  "Not enough memory for a network input of " +
                      std::to_string(config.input_width) + "x" +
                      std::to_string(config.input_height) +
                      "; choose a smaller one");
    }
  }

  void load(const ConstFrame &src, Queue) override {
    pipeline().load(*workers_, src);
  }

  void infer(const Mask &dst, const Options &options, Queue) override {
    pipeline().infer(*workers_, dst, options);
  }

  void wait(Queue) override {}

  int mask_width() const override {
    return pipeline_ ? pipeline_->mask_width() : 0;
  }
  int mask_height() const override {
    return pipeline_ ? pipeline_->mask_height() : 0;
  }

  void reset() override {
    if (pipeline_) pipeline_->forget();
  }

 private:
  Pipeline &pipeline() {
    if (!pipeline_)
      throw Error(Error::Kind::kEngine, "The engine has not been configured");
    return *pipeline_;
  }

  std::shared_ptr<const Weights> weights_;
  std::shared_ptr<Workers> workers_;
  int threads_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace

std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights,
                                        std::shared_ptr<Workers> workers,
                                        int threads) {
  return std::make_unique<CpuEngine>(std::move(weights), std::move(workers),
                                     threads);
}

}  // namespace fastscnn
