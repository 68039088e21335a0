// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine.h"

#include <cstring>
#include <optional>
#include <utility>

#include "cuda/download.h"
#include "cuda/framegraph.h"
#include "cuda/network.h"
#include "cuda/preprocess.h"
#include "cuda/upload.h"
#include "net/error.h"

namespace fastscnn::cuda {
namespace {

constexpr int kSlots = 2;  // frames whose input tensors exist at a time

/// Mean change of the normalised input from which on a scene is another one.
constexpr float kSceneCut = 0.6f;

bool on_device(const void *memory) {
  cudaPointerAttributes attributes;
  CHECK_CUDA(cudaPointerGetAttributes(&attributes, memory));
  return attributes.type == cudaMemoryTypeDevice ||
         attributes.type == cudaMemoryTypeManaged;
}

/// The buffers, plans and graphs of one configuration.
template <typename T>
class Pipeline {
 public:
  Pipeline(std::shared_ptr<const Weights<T>> weights, const FrameInfo &src,
           const Config &config, PlanCache *cache, const PlanCache::Warn &warn)
      : info_(src),
        preprocess_(make_preprocess<T>(src, weights->model().info(),
                                       config.input_height,
                                       config.input_width)),
        network_(weights, config.input_height, config.input_width, cache, warn),
        load_stream_(make_stream()),
        infer_stream_(make_stream()) {
    const Shape logits = network_.logits_shape();
    mask_width_ = config.mask_width ? config.mask_width : logits.width;
    mask_height_ = config.mask_height ? config.mask_height : logits.height;
    if (src.memory == Memory::kHost) upload_.emplace(src);
    prepare_postprocessing(weights->model());
    for (Slot &slot : slots_) prepare_slot(&slot);
  }

  ~Pipeline() { cudaDeviceSynchronize(); }  // nothing may be in use any more

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }

  void load(const ConstFrame &src, cudaStream_t given) {
    const cudaStream_t stream = given ? given : load_stream_.get();
    current_ = (current_ + 1) % kSlots;
    Slot &slot = slots_[current_];
    // The frame before the last may still be looked at.
    wait_on(stream, slot.inferred);
    wait_on(stream, loaded_);
    set_frame(&preprocess_, info_, upload_ ? upload_->queue(src, stream) : src);
    preprocess_.dst = static_cast<T *>(slot.input.get());
    launch(preprocess_, stream);
    record(loaded_, stream);
  }

  void infer(const Mask &dst, const Options &options, cudaStream_t given) {
    const cudaStream_t stream = given ? given : infer_stream_.get();
    Slot &slot = slots_[current_];
    wait_on(stream, loaded_);
    // The arena is shared by all slots.
    wait_on(stream, slots_[last_inferred_].inferred);
    last_inferred_ = current_;

    const bool direct = on_device(dst.ids);
    if (!direct && !slot.download)
      slot.download.emplace(mask_width_, mask_height_);
    const Mask mask = direct ? dst : slot.download->begin(dst, stream);
    update_smoothing(&slot, options.smoothing);
    update_argmax(&slot, mask, options.confidence_threshold);
    update_count(&slot, mask);
    slot.counts_wanted = dst.counts;
    slot.graph->launch(stream);
    record(slot.inferred, stream);
    if (!direct) slot.download->queue(stream);
  }

  /// Waits for the GPU: the contract of Engine::wait().
  void wait() {
    CHECK_CUDA(cudaEventSynchronize(loaded_.get()));
    for (Slot &slot : slots_) {
      CHECK_CUDA(cudaEventSynchronize(slot.inferred.get()));
      if (slot.download) slot.download->finish();
      hand_out_counts(&slot);
    }
  }

  void forget() { history_ = false; }

 private:
  struct Slot {
    DeviceMemory input;
    std::optional<FrameGraph<T>> graph;
    Argmax<T> argmax;  // as the graph has it
    Count count = {};  // likewise
    DeviceMemory counts;
    PinnedMemory host_counts;
    uint32_t *counts_wanted = nullptr;  // of the frame on its way
    Event inferred;
    std::optional<Download> download;
  };

  static void wait_on(cudaStream_t stream, const Event &event) {
    CHECK_CUDA(cudaStreamWaitEvent(stream, event.get(), 0));
  }
  static void record(const Event &event, cudaStream_t stream) {
    CHECK_CUDA(cudaEventRecord(event.get(), stream));
  }

  void prepare_postprocessing(const Model &model) {
    const Shape logits = network_.logits_shape();
    const int count = logits.channels * logits.height * logits.width;
    const int samples = (preprocess_.height / Change<T>::kStep) *
                        (preprocess_.width / Change<T>::kStep);
    history_memory_ = make_device_memory(sizeof(T) * count);
    previous_ = make_device_memory(sizeof(float) * 3 * samples);
    CHECK_CUDA(cudaMemset(previous_.get(), 0, sizeof(float) * 3 * samples));
    change_memory_ = make_device_memory(sizeof(float));
    loaded_ = make_event();

    change_.previous = static_cast<float *>(previous_.get());
    change_.change = static_cast<float *>(change_memory_.get());
    change_.height = preprocess_.height;
    change_.width = preprocess_.width;
    smooth_.logits = network_.logits();
    smooth_.history = static_cast<T *>(history_memory_.get());
    smooth_.count = count;
    smooth_.change = change_.change;
    smooth_.cut = kSceneCut;

    const bool align = model.info().variant.align_corners;
    argmax_.logits = network_.logits();
    argmax_.channels = logits.channels;
    argmax_.classes = model.info().classes();
    argmax_.height = mask_height_;
    argmax_.width = mask_width_;
    argmax_.axis_y = make_axis(logits.height, mask_height_, align);
    argmax_.axis_x = make_axis(logits.width, mask_width_, align);
  }

  static constexpr size_t kCountsBytes = sizeof(uint32_t) * Count::kThreads;

  void prepare_slot(Slot *slot) {
    const size_t bytes =
        sizeof(T) * kLanes * preprocess_.height * preprocess_.width;
    slot->input = make_device_memory(bytes);
    slot->inferred = make_event();
    CHECK_CUDA(cudaMemset(slot->input.get(), 0, bytes));
    CHECK_CUDA(cudaDeviceSynchronize());
    const T *input = static_cast<const T *>(slot->input.get());
    // Once outside of a graph: this loads the kernels.
    network_.enqueue(input, infer_stream_.get());
    CHECK_CUDA(cudaStreamSynchronize(infer_stream_.get()));
    Change<T> change = change_;
    change.input = input;
    slot->argmax = argmax_;
    slot->counts = make_device_memory(kCountsBytes);
    slot->host_counts = make_pinned_memory(kCountsBytes);
    slot->count.height = mask_height_;
    slot->count.width = mask_width_;
    slot->count.counts = static_cast<uint32_t *>(slot->counts.get());
    slot->graph.emplace(
        [&](cudaStream_t stream) { network_.enqueue(input, stream); }, change,
        smooth_, argmax_, slot->count,
        static_cast<uint32_t *>(slot->host_counts.get()));
  }

  void update_smoothing(Slot *slot, float smoothing) {
    slot->graph->set_smoothing(smoothing > 0.f);
    if (smoothing > 0.f) {
      Smooth<T> smooth = smooth_;
      smooth.weight = history_ ? smoothing : 0.f;
      slot->graph->set(smooth);
    }
    history_ = smoothing > 0.f;
  }

  void update_argmax(Slot *slot, const Mask &dst, float threshold) {
    Argmax<T> argmax = argmax_;
    argmax.ids = dst.ids;
    argmax.stride = dst.stride;
    argmax.confidence = dst.confidence;
    argmax.confidence_stride = dst.confidence_stride;
    argmax.threshold = threshold;
    if (std::memcmp(&argmax, &slot->argmax, sizeof argmax) == 0) return;
    slot->graph->set(argmax);
    slot->argmax = argmax;
  }

  void update_count(Slot *slot, const Mask &dst) {
    slot->graph->set_counting(dst.counts);
    if (!dst.counts ||
        (dst.ids == slot->count.ids && dst.stride == slot->count.stride))
      return;
    slot->count.ids = dst.ids;
    slot->count.stride = dst.stride;
    slot->graph->set(slot->count);
  }

  static void hand_out_counts(Slot *slot) {
    if (slot->counts_wanted)
      std::memcpy(slot->counts_wanted, slot->host_counts.get(), kCountsBytes);
    slot->counts_wanted = nullptr;
  }

  const FrameInfo info_;
  Preprocess<T> preprocess_;
  Network<T> network_;
  Stream load_stream_, infer_stream_;
  int mask_width_, mask_height_;
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
    try {
      Current current(*context_);
      pipeline_.reset();
    } catch (...) {
      pipeline_.reset();  // the context is gone, and all that was in it
    }
  }

  void configure(const FrameInfo &src, const Config &config) override {
    Current current(*context_);
    pipeline_.reset();
    pipeline_ = std::make_unique<Pipeline<T>>(weights_, src, config,
                                              cache_.get(), warn_);
  }

  void load(const ConstFrame &src, Queue queue) override {
    Current current(*context_);
    ready(queue).load(src, static_cast<cudaStream_t>(queue.stream));
  }

  void infer(const Mask &dst, const Options &options, Queue queue) override {
    Current current(*context_);
    ready(queue).infer(dst, options, static_cast<cudaStream_t>(queue.stream));
  }

  void wait(Queue queue) override {
    Current current(*context_);
    ready(queue).wait();
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
  Pipeline<T> &ready(const Queue &queue) {
    if (!pipeline_)
      throw Error(Error::Kind::kEngine, "The CUDA engine is not configured");
    if (queue.context && queue.context != context_->handle())
      throw Error(Error::Kind::kEngine,
                  "The frame belongs to another CUDA context than the engine");
    return *pipeline_;
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
