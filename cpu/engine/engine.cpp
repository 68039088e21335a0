// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/engine.h"

#include <algorithm>
#include <utility>

#include "cpu/engine/classify.h"
#include "cpu/engine/temporalfilter.h"
#include "cpu/engine/network.h"
#include "cpu/engine/preprocess.h"
#include "cpu/taskgraph.h"

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
  static Result<std::unique_ptr<Pipeline>> create(
      std::shared_ptr<const Weights> weights, const FrameInfo &src,
      const Config &config, int threads) {
    const ModelInfo &model = weights->model().info();
    std::unique_ptr<Network> network = FASTSCNN_TRY(Network::create(
        weights, config.input_width, config.input_height, threads));
    History history = FASTSCNN_TRY(History::create(*network));
    std::unique_ptr<Pipeline> pipeline(new Pipeline(
        std::move(network), std::move(history), model, src, config, threads));
    FASTSCNN_TRY(pipeline->allocate());
    return pipeline;
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }
  void forget() { history_.forget(); }

  void load(Workers &workers, const ConstFrame &src) {
    image_bands_.run(workers, threads_, [&](int band, int worker) {
      const int end = std::min(network_->height(), (band + 1) * kBand);
      for (int y = band * kBand; y < end; y++)
        preprocess_.row(src, y, scratch_[worker].data(),
                        network_->image_row(y));
    });
  }

  void infer(Workers &workers, const Mask &dst, const Options &options) {
    network_->run(workers);
    const float *logits = grid_.data;
    if (options.smoothing > 0)
      logits = history_.average(*network_, options.smoothing);
    else
      history_.forget();
    const bool survey = !dst.confidence && options.confidence_threshold <= 0;
    if (survey)
      grid_bands_.run(workers, threads_, [&](int band, int worker) {
        const int end = std::min(grid_.height, (band + 1) * kBand);
        for (int y = band * kBand; y < end; y++)
          classify_.survey(logits, y, scratch_[worker].data());
      });
    if (dst.counts) std::fill(counts_.begin(), counts_.end(), Counts{});
    mask_bands_.run(workers, threads_, [&](int band, int worker) {
      const int end = std::min(mask_height_, (band + 1) * kBand);
      for (int y = band * kBand; y < end; y++) {
        uint8_t *ids = dst.ids + ptrdiff_t(y) * dst.stride;
        classify_.row(logits, y, options.confidence_threshold, survey,
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
  Pipeline(std::unique_ptr<Network> network, History history,
           const ModelInfo &model, const FrameInfo &src, const Config &config,
           int threads)
      : threads_(threads),
        network_(std::move(network)),
        preprocess_(src, config.input_width, config.input_height, model.mean,
                    model.std),
        history_(std::move(history)),
        grid_(network_->logits()),
        mask_width_(config.mask_width ? config.mask_width : grid_.width),
        mask_height_(config.mask_height ? config.mask_height : grid_.height),
        classify_(grid_, mask_width_, mask_height_,
                  model.variant.align_corners),
        image_bands_(bands(network_->height())),
        grid_bands_(bands(grid_.height)),
        mask_bands_(bands(mask_height_)),
        counts_(threads) {}

  static int bands(int rows) { return (rows + kBand - 1) / kBand; }

  Result<> allocate() {
    const size_t size =
        std::max(preprocess_.scratch_size(), classify_.scratch_size());
    for (int t = 0; t < threads_; t++) {
      scratch_.emplace_back();
      scratch_.back() = FASTSCNN_TRY(Buffer::create(round_up(size, kLine)));
    }
    return {};
  }

  void sum_counts(uint32_t *sums) const {
    std::fill_n(sums, 256, 0u);
    for (const Counts &counts : counts_)
      for (int id = 0; id < 256; id++) sums[id] += counts.of[id];
  }

  int threads_;
  std::unique_ptr<Network> network_;
  Preprocess preprocess_;
  History history_;
  Logits grid_;
  int mask_width_;
  int mask_height_;
  Classify classify_;
  Schedule image_bands_;
  Schedule grid_bands_;
  Schedule mask_bands_;
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

  Result<> configure(const FrameInfo &src, const Config &config) override {
    pipeline_.reset();
    if (src.memory != Memory::kHost)
      return Error{Error::Kind::kFormat,
                   "The CPU engine cannot read frames in device memory"};
    pipeline_ = FASTSCNN_TRY(Pipeline::create(weights_, src, config, threads_));
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue) override {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The engine has not been configured"};
    pipeline_->load(*workers_, frame);
    pipeline_->infer(*workers_, mask, options);
    return {};
  }

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
