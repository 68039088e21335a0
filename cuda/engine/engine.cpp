// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/engine.h"

#include <cstring>
#include <optional>
#include <utility>

#include "cuda/engine/argmax.h"
#include "cuda/engine/count.h"
#include "cuda/engine/download.h"
#include "cuda/engine/graph.h"
#include "cuda/engine/network.h"
#include "cuda/engine/preprocess.h"
#include "cuda/engine/smooth.h"
#include "cuda/engine/upload.h"

namespace fastscnn::cuda {
namespace {

constexpr int kSlots = 2;  // frames whose input tensors exist at a time

/// Mean change of the normalised input from which on a scene is another one.
constexpr float kSceneCut = 0.6f;

/// The buffers, plans and graphs of one configuration.
template <typename T>
class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(
      std::shared_ptr<const Weights<T>> weights, const FrameInfo &src,
      const Config &config, PlanCache *cache, const PlanCache::Warn &warn) {
    const Model &model = weights->model();
    std::unique_ptr<Network<T>> network = FASTSCNN_TRY(Network<T>::create(
        weights, config.input_height, config.input_width, cache, warn));
    std::unique_ptr<Pipeline> pipeline(
        new Pipeline(std::move(network), model.info(), src, config));
    FASTSCNN_TRY(pipeline->prepare(model));
    return pipeline;
  }

  ~Pipeline() {
    (void)synchronize_context();
  }  // nothing may be in use any more

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }

  Result<> load(const ConstFrame &src, cudaStream_t given) {
    const cudaStream_t stream = given ? given : load_stream_.get();
    current_ = (current_ + 1) % kSlots;
    Slot &slot = slots_[current_];
    // The frame before the last may still be looked at.
    FASTSCNN_TRY(wait_on(stream, slot.inferred));
    FASTSCNN_TRY(wait_on(stream, loaded_));
    ConstFrame frame = src;
    if (upload_) frame = FASTSCNN_TRY(upload_->queue(src, stream));
    set_frame(&preprocess_, info_, frame);
    preprocess_.dst = static_cast<T *>(slot.input.get());
    FASTSCNN_TRY(launch(preprocess_, stream));
    return record(loaded_, stream);
  }

  Result<> infer(const Mask &dst, const Options &options, cudaStream_t given) {
    const cudaStream_t stream = given ? given : infer_stream_.get();
    Slot &slot = slots_[current_];
    FASTSCNN_TRY(wait_on(stream, loaded_));
    // The arena is shared by all slots.
    FASTSCNN_TRY(wait_on(stream, slots_[last_inferred_].inferred));
    last_inferred_ = current_;

    const bool direct = dst.memory == Memory::kDevice;
    if (!direct && !slot.download)
      slot.download = FASTSCNN_TRY(Download::create(mask_width_, mask_height_));
    Mask mask = dst;
    if (!direct) mask = FASTSCNN_TRY(slot.download->begin(dst, stream));
    TRY_CUDA(cudaGraphLaunch(slot.network.get(), stream));
    FASTSCNN_TRY(smooth(slot, options.smoothing, stream));
    FASTSCNN_TRY(classify(mask, options.confidence_threshold, stream));
    slot.counts_wanted = dst.counts;
    if (mask.counts) FASTSCNN_TRY(count(slot, mask, stream));
    FASTSCNN_TRY(record(slot.inferred, stream));
    if (!direct) FASTSCNN_TRY(slot.download->queue(stream));
    return {};
  }

  /// Waits for the GPU: the contract of Engine::wait().
  Result<> wait() {
    TRY_CUDA(cudaEventSynchronize(loaded_.get()));
    for (Slot &slot : slots_) {
      TRY_CUDA(cudaEventSynchronize(slot.inferred.get()));
      if (slot.download) FASTSCNN_TRY(slot.download->finish());
      hand_out_counts(&slot);
    }
    return {};
  }

  void forget() { history_ = false; }

  /// After a failure: who waited for masks on their way may be gone.
  void abandon() {
    for (Slot &slot : slots_) {
      slot.counts_wanted = nullptr;
      if (slot.download) slot.download->abandon();
    }
  }

 private:
  struct Slot {
    DeviceMemory input;
    GraphExec network;
    DeviceMemory counts;
    PinnedMemory host_counts;
    uint32_t *counts_wanted = nullptr;  // of the frame on its way
    Event inferred;
    std::optional<Download> download;
  };

  Pipeline(std::unique_ptr<Network<T>> network, const ModelInfo &model,
           const FrameInfo &src, const Config &config)
      : info_(src),
        preprocess_(make_preprocess<T>(src, model, config.input_height,
                                       config.input_width)),
        network_(std::move(network)),
        mask_width_(config.mask_width ? config.mask_width
                                      : network_->logits_shape().width),
        mask_height_(config.mask_height ? config.mask_height
                                        : network_->logits_shape().height) {}

  static Result<> wait_on(cudaStream_t stream, const Event &event) {
    TRY_CUDA(cudaStreamWaitEvent(stream, event.get(), 0));
    return {};
  }
  static Result<> record(const Event &event, cudaStream_t stream) {
    TRY_CUDA(cudaEventRecord(event.get(), stream));
    return {};
  }

  Result<> prepare(const Model &model) {
    load_stream_ = FASTSCNN_TRY(make_stream());
    infer_stream_ = FASTSCNN_TRY(make_stream());
    if (info_.memory == Memory::kHost)
      upload_ = FASTSCNN_TRY(Upload::create(info_));
    FASTSCNN_TRY(prepare_postprocessing(model));
    for (Slot &slot : slots_) FASTSCNN_TRY(prepare_slot(&slot));
    return {};
  }

  Result<> prepare_postprocessing(const Model &model) {
    const Shape logits = network_->logits_shape();
    const int count = logits.channels * logits.height * logits.width;
    const int samples = (preprocess_.height / Change<T>::kStep) *
                        (preprocess_.width / Change<T>::kStep);
    history_memory_ = FASTSCNN_TRY(make_device_memory(sizeof(T) * count));
    previous_ = FASTSCNN_TRY(make_device_memory(sizeof(float) * 3 * samples));
    TRY_CUDA(cudaMemset(previous_.get(), 0, sizeof(float) * 3 * samples));
    change_memory_ = FASTSCNN_TRY(make_device_memory(sizeof(float)));
    loaded_ = FASTSCNN_TRY(make_event());

    change_.previous = static_cast<float *>(previous_.get());
    change_.change = static_cast<float *>(change_memory_.get());
    change_.height = preprocess_.height;
    change_.width = preprocess_.width;
    smooth_.logits = network_->logits();
    smooth_.history = static_cast<T *>(history_memory_.get());
    smooth_.count = count;
    smooth_.change = change_.change;
    smooth_.cut = kSceneCut;

    const bool align = model.info().variant.align_corners;
    argmax_.logits = network_->logits();
    argmax_.channels = logits.channels;
    argmax_.classes = model.info().classes();
    argmax_.height = mask_height_;
    argmax_.width = mask_width_;
    argmax_.axis_y = make_axis(logits.height, mask_height_, align);
    argmax_.axis_x = make_axis(logits.width, mask_width_, align);
    return {};
  }

  static constexpr size_t kCountsBytes = sizeof(uint32_t) * Count::kThreads;

  Result<> prepare_slot(Slot *slot) {
    const size_t bytes =
        sizeof(T) * kLanes * preprocess_.height * preprocess_.width;
    slot->input = FASTSCNN_TRY(make_device_memory(bytes));
    slot->inferred = FASTSCNN_TRY(make_event());
    TRY_CUDA(cudaMemset(slot->input.get(), 0, bytes));
    FASTSCNN_TRY(synchronize_context());
    const T *input = static_cast<const T *>(slot->input.get());
    // Once outside of a graph: this loads the kernels.
    FASTSCNN_TRY(network_->enqueue(input, infer_stream_.get()));
    TRY_CUDA(cudaStreamSynchronize(infer_stream_.get()));
    const auto network = [&](cudaStream_t stream) {
      return network_->enqueue(input, stream);
    };
    const Graph graph = FASTSCNN_TRY(capture(infer_stream_.get(), network));
    slot->network = FASTSCNN_TRY(instantiate(graph));
    slot->counts = FASTSCNN_TRY(make_device_memory(kCountsBytes));
    slot->host_counts = FASTSCNN_TRY(make_pinned_memory(kCountsBytes));
    return {};
  }

  // What differs from frame to frame is queued behind the graph: on an H200
  // with driver 580, graphs with disabled nodes gave wrong masks, or none.
  Result<> smooth(const Slot &slot, float smoothing, cudaStream_t stream) {
    const bool past = std::exchange(history_, smoothing > 0.f);
    if (smoothing <= 0.f) return {};
    Change<T> change = change_;
    change.input = static_cast<const T *>(slot.input.get());
    FASTSCNN_TRY(launch_blocks(change, stream));
    Smooth<T> smooth = smooth_;
    smooth.weight = past ? smoothing : 0.f;
    return launch(smooth, stream);
  }

  Result<> classify(const Mask &dst, float threshold, cudaStream_t stream) {
    Argmax<T> argmax = argmax_;
    argmax.ids = dst.ids;
    argmax.stride = dst.stride;
    argmax.confidence = dst.confidence;
    argmax.confidence_stride = dst.confidence_stride;
    argmax.threshold = threshold;
    return launch(argmax, stream);
  }

  Result<> count(const Slot &slot, const Mask &mask, cudaStream_t stream) {
    Count count = {mask.ids, mask.stride, mask_height_, mask_width_,
                   static_cast<uint32_t *>(slot.counts.get())};
    TRY_CUDA(cudaMemsetAsync(count.counts, 0, kCountsBytes, stream));
    FASTSCNN_TRY(launch_blocks(count, stream));
    TRY_CUDA(cudaMemcpyAsync(slot.host_counts.get(), count.counts, kCountsBytes,
                             cudaMemcpyDeviceToHost, stream));
    return {};
  }

  static void hand_out_counts(Slot *slot) {
    if (slot->counts_wanted)
      std::memcpy(slot->counts_wanted, slot->host_counts.get(), kCountsBytes);
    slot->counts_wanted = nullptr;
  }

  const FrameInfo info_;
  Preprocess<T> preprocess_;
  std::unique_ptr<Network<T>> network_;
  int mask_width_, mask_height_;
  Stream load_stream_, infer_stream_;
  std::optional<Upload> upload_;
  DeviceMemory history_memory_, previous_, change_memory_;
  Change<T> change_ = {};
  Smooth<T> smooth_ = {};
  Argmax<T> argmax_ = {};
  Event loaded_;
  Slot slots_[kSlots];
  int current_ = 0;
  int last_inferred_ = 0;
  bool history_ = false;
};

template <typename T>
class CudaEngine : public Engine {
 public:
  CudaEngine(std::shared_ptr<const Context> context,
             std::shared_ptr<const Weights<T>> weights,
             std::shared_ptr<PlanCache> cache, PlanCache::Warn warn)
      : context_(std::move(context)),
        weights_(std::move(weights)),
        cache_(std::move(cache)),
        warn_(std::move(warn)) {}

  ~CudaEngine() override {
    // Without success the context is gone, and all that was in it.
    const Result<Current> current = Current::enter(*context_);
    pipeline_.reset();
  }

  Result<> configure(const FrameInfo &src, const Config &config) override {
    const Current current = FASTSCNN_TRY(Current::enter(*context_));
    pipeline_.reset();
    pipeline_ = FASTSCNN_TRY(
        Pipeline<T>::create(weights_, src, config, cache_.get(), warn_));
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue queue) override {
    return attempt(queue, [&](cudaStream_t stream) -> Result<> {
      FASTSCNN_TRY(pipeline_->load(frame, stream));
      FASTSCNN_TRY(pipeline_->infer(mask, options, stream));
      return pipeline_->wait();
    });
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
  Result<> check_ready(const Queue &queue) const {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The CUDA engine is not configured"};
    if (queue.context && queue.context != context_->handle())
      return Error{Error::Kind::kEngine,
                   "The frame belongs to another CUDA context than the engine"};
    return {};
  }

  template <typename F>
  Result<> attempt(const Queue &queue, const F &work) {
    FASTSCNN_TRY(check_ready(queue));
    const auto in_context = [&]() -> Result<> {
      const Current current = FASTSCNN_TRY(Current::enter(*context_));
      return work(static_cast<cudaStream_t>(queue.stream));
    };
    const Result<> done = in_context();
    if (!done) pipeline_->abandon();
    return done;
  }

  std::shared_ptr<const Context> context_;
  std::shared_ptr<const Weights<T>> weights_;
  std::shared_ptr<PlanCache> cache_;
  PlanCache::Warn warn_;
  std::unique_ptr<Pipeline<T>> pipeline_;
};

}  // namespace

template <typename T>
std::unique_ptr<Engine> make_engine(std::shared_ptr<const Context> context,
                                    std::shared_ptr<const Weights<T>> weights,
                                    std::shared_ptr<PlanCache> cache,
                                    PlanCache::Warn warn) {
  return std::make_unique<CudaEngine<T>>(std::move(context), std::move(weights),
                                         std::move(cache), std::move(warn));
}

template std::unique_ptr<Engine> make_engine<__half>(
    std::shared_ptr<const Context>, std::shared_ptr<const Weights<__half>>,
    std::shared_ptr<PlanCache>, PlanCache::Warn);
template std::unique_ptr<Engine> make_engine<float>(
    std::shared_ptr<const Context>, std::shared_ptr<const Weights<float>>,
    std::shared_ptr<PlanCache>, PlanCache::Warn);

}  // namespace fastscnn::cuda
