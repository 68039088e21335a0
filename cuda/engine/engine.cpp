// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/engine.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "cuda/engine/argmax.h"
#include "cuda/engine/download.h"
#include "cuda/engine/network.h"
#include "cuda/engine/preprocess.h"
#include "cuda/engine/temporalfilter.h"
#include "cuda/engine/upload.h"
#include "cuda/graph.h"

namespace fastscnn::cuda {
namespace {

/// The buffers, plans and the graph of one configuration.
template <typename T>
class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(
      std::shared_ptr<const Weights<T>> weights, const FrameInfo &src,
      const Config &config, PlanCache *cache, const PlanCache::Warn &warn) {
    const ModelInfo &model = weights->model().info();
    std::unique_ptr<Network<T>> network = FASTSCNN_TRY(Network<T>::create(
        weights, config.input_height, config.input_width, cache, warn));
    std::unique_ptr<Pipeline> pipeline(
        new Pipeline(std::move(network), model, src, config));
    FASTSCNN_TRY(pipeline->prepare(model));
    return pipeline;
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }

  /// given: (nullable) where the contents of src are valid.
  Result<> segment(const ConstFrame &src, const Mask &dst,
                   const Options &options, cudaStream_t given) {
    const cudaStream_t stream = given ? given : stream_.get();
    const Result<> done = wait(queue(src, dst, options, stream), stream);
    if (!done) {
      reset();  // the average may be half written
      return done;
    }
    if (dst.memory == Memory::kHost) download_->finish(dst);
    if (dst.counts) std::memcpy(dst.counts, host_counts_.get(), kCountsBytes);
    return {};
  }

  void reset() { has_average_ = false; }

 private:
  static constexpr size_t kCountsBytes = sizeof(uint32_t) * 256;
  static constexpr size_t kSumsBytes = kCountsBytes + sizeof(uint32_t);
  static constexpr size_t kPreviousBytes = sizeof(float) * 3 * kSceneSamples;

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

  /// Waits for the GPU even if queueing failed: what was queued before the
  /// failure still uses the frame, the mask and the buffers.
  static Result<> wait(const Result<> &queued, cudaStream_t stream) {
    const Result<> done =
        check_cuda("cudaStreamSynchronize", cudaStreamSynchronize(stream));
    return queued ? done : queued;
  }

  Result<> prepare(const ModelInfo &model) {
    stream_ = FASTSCNN_TRY(make_stream());
    if (info_.memory == Memory::kHost)
      upload_ = FASTSCNN_TRY(Upload::create(info_));
    FASTSCNN_TRY(prepare_smoothing());
    FASTSCNN_TRY(prepare_argmax(model));
    return prepare_network();
  }

  Result<> prepare_smoothing() {
    const Shape logits = network_->logits_shape();
    filter_.logits = network_->logits();
    filter_.count = logits.channels * logits.height * logits.width;
    average_ = FASTSCNN_TRY(make_device_memory(sizeof(T) * filter_.count));
    previous_ = FASTSCNN_TRY(make_device_memory(kPreviousBytes));
    change_ = FASTSCNN_TRY(make_device_memory(sizeof(float)));
    scene_change_.previous = static_cast<float *>(previous_.get());
    scene_change_.change = static_cast<float *>(change_.get());
    scene_change_.height = preprocess_.height;
    scene_change_.width = preprocess_.width;
    filter_.average = static_cast<T *>(average_.get());
    filter_.change = scene_change_.change;
    return {};
  }

  Result<> prepare_argmax(const ModelInfo &model) {
    counts_ = FASTSCNN_TRY(make_device_memory(kSumsBytes));
    host_counts_ = FASTSCNN_TRY(make_pinned_memory(kCountsBytes));
    const Shape shape = network_->logits_shape();
    const bool align = model.variant.align_corners;
    argmax_.logits = {network_->logits(), shape.channels,
                      make_axis(shape.height, mask_height_, align),
                      make_axis(shape.width, mask_width_, align)};
    argmax_.height = mask_height_;
    argmax_.width = mask_width_;
    argmax_.counts = static_cast<uint32_t *>(counts_.get());
    argmax_.result = static_cast<uint32_t *>(host_counts_.get());
    return {};
  }

  Result<> prepare_network() {
    const size_t bytes =
        sizeof(T) * kImageChannels / 4 * preprocess_.height * preprocess_.width;
    input_ = FASTSCNN_TRY(make_device_memory(bytes));
    T *input = static_cast<T *>(input_.get());
    preprocess_.dst = input;
    scene_change_.input = input;
    const auto enqueue = [&](cudaStream_t stream) {
      return network_->enqueue(input, stream);
    };
    const auto warm_up = [&](cudaStream_t stream) -> Result<> {
      TRY_CUDA(cudaMemsetAsync(previous_.get(), 0, kPreviousBytes, stream));
      TRY_CUDA(cudaMemsetAsync(input, 0, bytes, stream));
      TRY_CUDA(cudaMemsetAsync(counts_.get(), 0, kSumsBytes, stream));
      return enqueue(stream);
    };
    // The first run loads the kernels, which is not allowed during a capture.
    FASTSCNN_TRY(wait(warm_up(stream_.get()), stream_.get()));
    const Graph graph = FASTSCNN_TRY(capture(stream_.get(), enqueue));
    graph_ = FASTSCNN_TRY(instantiate(graph));
    return {};
  }

  // The graph holds the network alone. What differs from frame to frame is
  // queued around it: on an H200 with driver 580, graphs with disabled nodes
  // gave wrong masks, or none.
  Result<> queue(const ConstFrame &src, const Mask &dst, const Options &options,
                 cudaStream_t stream) {
    ConstFrame frame = src;
    if (upload_) frame = FASTSCNN_TRY(upload_->queue(src, stream));
    set_frame(&preprocess_, info_, frame);
    FASTSCNN_TRY(launch(preprocess_, stream));
    TRY_CUDA(cudaGraphLaunch(graph_.get(), stream));
    FASTSCNN_TRY(smooth(options.smoothing, stream));

    const bool downloads = dst.memory == Memory::kHost;
    if (downloads && !download_)
      download_ = FASTSCNN_TRY(Download::create(mask_width_, mask_height_));
    const Mask mask = downloads ? download_->source(dst) : dst;
    FASTSCNN_TRY(classify(mask, options.confidence_threshold, stream));
    return downloads ? download_->queue(dst, stream) : Result<>();
  }

  Result<> smooth(float smoothing, cudaStream_t stream) {
    const bool has_average = std::exchange(has_average_, smoothing > 0.f);
    if (smoothing <= 0.f) return {};
    FASTSCNN_TRY(launch_blocks(scene_change_, stream));
    filter_.weight = has_average ? smoothing : 0.f;
    return launch(filter_, stream);
  }

  Result<> classify(const Mask &dst, float threshold, cudaStream_t stream) {
    argmax_.ids = dst.ids;
    argmax_.stride = dst.stride;
    argmax_.confidence = dst.confidence;
    argmax_.confidence_stride = dst.confidence_stride;
    argmax_.threshold = threshold;
    if (dst.confidence || threshold > 0.f)
      return launch_blocks(argmax_, stream);
    return launch_blocks(argmax_.without_confidence(), stream);
  }

  const FrameInfo info_;
  Preprocess<T> preprocess_;
  std::unique_ptr<Network<T>> network_;
  int mask_width_, mask_height_;
  Stream stream_;  // for frames without one
  std::optional<Upload> upload_;
  std::optional<Download> download_;  // from the first mask in host memory on
  DeviceMemory input_, average_, previous_, change_, counts_;
  PinnedMemory host_counts_;
  GraphExec graph_;
  SceneChange<T> scene_change_ = {};
  TemporalFilter<T> filter_ = {};
  Argmax<T, true> argmax_ = {};
  bool has_average_ = false;
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
    // If this fails, the context is already destroyed with everything in it.
    const Result<ContextGuard> guard = ContextGuard::enter(*context_);
    pipeline_.reset();
  }

  Result<> configure(const FrameInfo &src, const Config &config) override {
    const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context_));
    pipeline_.reset();
    pipeline_ = FASTSCNN_TRY(
        Pipeline<T>::create(weights_, src, config, cache_.get(), warn_));
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue queue) override {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The CUDA engine is not configured"};
    const ContextGuard guard =
        FASTSCNN_TRY(ContextGuard::enter(*context_, queue));
    return pipeline_->segment(frame, mask, options,
                              static_cast<cudaStream_t>(queue.stream));
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

  const char *precision() const override {
    return std::is_same_v<T, float> ? "fp32" : "fp16";
  }

 private:
  std::shared_ptr<const Context> context_;
  std::shared_ptr<const Weights<T>> weights_;
  std::shared_ptr<PlanCache> cache_;
  PlanCache::Warn warn_;
  std::unique_ptr<Pipeline<T>> pipeline_;
};

}  // namespace

Result<size_t> cudnn_version() { return Cudnn::version(); }

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
