// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/engine.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "cuda/engine/kernels/countareas.h"
#include "cuda/engine/download.h"
#include "cuda/engine/framegraph.h"
#include "cuda/engine/network.h"
#include "cuda/engine/upload.h"

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
    std::unique_ptr<Network<T>> network = FASTSCNN_TRY(
        Network<T>::create(weights, config.input_height, config.input_width,
                           config.fused, cache, warn));
    std::unique_ptr<Pipeline> pipeline(
        new Pipeline(std::move(network), model, src, config));
    FASTSCNN_TRY(pipeline->prepare(model));
    return pipeline;
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }
  std::string fused_blocks() const { return network_->fused_blocks(); }

  /// given: (nullable) where the contents of src are valid.
  Result<> segment(const ConstFrame &src, const Mask &dst,
                   const Options &options, cudaStream_t given) {
    const cudaStream_t stream = given ? given : stream_.get();
    const Result<> done =
        wait(queue(src, dst, options, stream), stream, options.sleeps);
    if (!done) {
      reset();  // the average may be half written
      return done;
    }
    if (dst.memory == Memory::kHost) download_->finish(dst);
    if (dst.counts && n_areas_ > 1)
      std::memcpy(dst.counts, host_area_counts_.get(), kCountsBytes * n_areas_);
    else if (dst.counts)
      std::memcpy(dst.counts, host_counts_.get(), kCountsBytes);
    return {};
  }

  void reset() { has_average_ = false; }

  Result<> set_areas(const uint8_t *areas, int n) {
    const size_t size = size_t(mask_width_) * mask_height_;
    n_areas_ = 1;
    areas_ = FASTSCNN_TRY(make_device_memory(size));
    area_counts_ = FASTSCNN_TRY(make_device_memory(kCountsBytes * n));
    host_area_counts_ = FASTSCNN_TRY(make_pinned_memory(kCountsBytes * n));
    TRY_CUDA(cudaMemcpyAsync(areas_.get(), areas, size, cudaMemcpyHostToDevice,
                             stream_.get()));
    TRY_CUDA(cudaStreamSynchronize(stream_.get()));
    n_areas_ = n;
    return {};
  }

 private:
  static constexpr size_t kCountsBytes = sizeof(uint32_t) * 256;
  static constexpr size_t kSumsBytes = kCountsBytes + sizeof(uint32_t);
  static constexpr size_t kPreviousBytes = sizeof(float) * 3 * kSceneSamples;

  Pipeline(std::unique_ptr<Network<T>> network, const ModelInfo &model,
           const FrameInfo &src, const Config &config)
      : info_(src),
        network_(std::move(network)),
        mask_width_(config.mask_width ? config.mask_width
                                      : network_->logits_shape().width),
        mask_height_(config.mask_height ? config.mask_height
                                        : network_->logits_shape().height) {
    kernels_.preprocess =
        make_preprocess<T>(src, model, config.input_height, config.input_width);
  }

  /// Waits for the GPU even if queueing failed: what was queued before the
  /// failure still uses the frame, the mask and the buffers.
  Result<> wait(const Result<> &queued, cudaStream_t stream,
                bool sleeps = false) {
    Result<> done = sleeps ? sleep(stream) : Result<>();
    if (!sleeps || !done)
      done = check_cuda("cudaStreamSynchronize", cudaStreamSynchronize(stream));
    return queued ? done : queued;
  }

  Result<> sleep(cudaStream_t stream) {
    TRY_CUDA(cudaEventRecord(done_.get(), stream));
    TRY_CUDA(cudaEventSynchronize(done_.get()));
    return {};
  }

  Result<> prepare(const ModelInfo &model) {
    stream_ = FASTSCNN_TRY(make_stream());
    done_ = FASTSCNN_TRY(make_sleeping_event());
    if (info_.memory == Memory::kHost)
      upload_ = FASTSCNN_TRY(Upload::create(info_));
    FASTSCNN_TRY(prepare_smoothing());
    FASTSCNN_TRY(prepare_argmax(model));
    return prepare_network();
  }

  Result<> prepare_smoothing() {
    const Shape logits = network_->logits_shape();
    TemporalFilter<T> &filter = kernels_.filter;
    filter.logits = network_->logits();
    filter.count = logits.channels * logits.height * logits.width;
    average_ = FASTSCNN_TRY(make_device_memory(sizeof(T) * filter.count));
    previous_ = FASTSCNN_TRY(make_device_memory(kPreviousBytes));
    change_ = FASTSCNN_TRY(make_device_memory(sizeof(float)));
    SceneChange<T> &scene_change = kernels_.scene_change;
    scene_change.previous = static_cast<float *>(previous_.get());
    scene_change.change = static_cast<float *>(change_.get());
    scene_change.height = kernels_.preprocess.height;
    scene_change.width = kernels_.preprocess.width;
    filter.average = static_cast<T *>(average_.get());
    filter.change = scene_change.change;
    return {};
  }

  Result<> prepare_argmax(const ModelInfo &model) {
    counts_ = FASTSCNN_TRY(make_device_memory(kSumsBytes));
    host_counts_ = FASTSCNN_TRY(make_pinned_memory(kCountsBytes));
    const Shape shape = network_->logits_shape();
    const bool align = model.variant.align_corners;
    Argmax<T, true> &argmax = kernels_.argmax;
    argmax.logits = {network_->logits(), shape.channels,
                     make_axis(shape.height, mask_height_, align),
                     make_axis(shape.width, mask_width_, align)};
    argmax.height = mask_height_;
    argmax.width = mask_width_;
    argmax.counts = static_cast<uint32_t *>(counts_.get());
    argmax.result = static_cast<uint32_t *>(host_counts_.get());
    return {};
  }

  Result<> prepare_network() {
    const Preprocess<T> &p = kernels_.preprocess;
    const size_t bytes = sizeof(T) * kImageChannels / 4 * p.height * p.width;
    input_ = FASTSCNN_TRY(make_device_memory(bytes));
    kernels_.preprocess.dst = static_cast<T *>(input_.get());
    kernels_.scene_change.input = kernels_.preprocess.dst;
    // The first run loads the kernels, which takes longer than a frame may.
    const auto warm_up = [&](cudaStream_t stream) -> Result<> {
      TRY_CUDA(cudaMemsetAsync(previous_.get(), 0, kPreviousBytes, stream));
      TRY_CUDA(cudaMemsetAsync(counts_.get(), 0, kSumsBytes, stream));
      TRY_CUDA(cudaMemsetAsync(input_.get(), 0, bytes, stream));
      return network_->enqueue(p.dst, stream);
    };
    return wait(warm_up(stream_.get()), stream_.get());
  }

  Result<> queue(const ConstFrame &src, const Mask &dst, const Options &options,
                 cudaStream_t stream) {
    const bool downloads = dst.memory == Memory::kHost;
    if (downloads && !download_)
      download_ = FASTSCNN_TRY(Download::create(mask_width_, mask_height_));
    set_smoothing(options.smoothing);
    set_mask(downloads ? download_->source(dst) : dst,
             options.confidence_threshold);
    ConstFrame frame = src;
    if (upload_) frame = FASTSCNN_TRY(upload_->queue(src, stream));
    set_frame(&kernels_.preprocess, info_, frame);
    FASTSCNN_TRY(run(stream));
    if (dst.counts && n_areas_ > 1) FASTSCNN_TRY(count_areas(stream));
    return downloads ? download_->queue(dst, stream) : Result<>();
  }

  /// The first frame of its kind runs kernel by kernel, because a capture must
  /// not load any, and is then captured for those to come.
  Result<> run(cudaStream_t stream) {
    FrameGraph<T> &graph = graphs_[kernels_.smooths][kernels_.soft()];
    if (graph.fits(kernels_)) return graph.launch(kernels_, stream);
    FASTSCNN_TRY(enqueue_frame(*network_, kernels_, stream));
    graph =
        FASTSCNN_TRY(FrameGraph<T>::create(*network_, kernels_, stream_.get()));
    return {};
  }

  /// Not in the graph: few streams have areas.
  Result<> count_areas(cudaStream_t stream) {
    const Argmax<T, true> &argmax = kernels_.argmax;
    const CountAreas count = {argmax.ids,
                              argmax.stride,
                              mask_height_,
                              mask_width_,
                              static_cast<const uint8_t *>(areas_.get()),
                              static_cast<uint32_t *>(area_counts_.get())};
    const size_t bytes = kCountsBytes * n_areas_;
    TRY_CUDA(cudaMemsetAsync(count.counts, 0, bytes, stream));
    FASTSCNN_TRY(launch(count, stream));
    TRY_CUDA(cudaMemcpyAsync(host_area_counts_.get(), count.counts, bytes,
                             cudaMemcpyDeviceToHost, stream));
    return {};
  }

  void set_smoothing(float smoothing) {
    const bool has_average = std::exchange(has_average_, smoothing > 0.f);
    kernels_.smooths = smoothing > 0.f;
    kernels_.filter.weight = has_average ? smoothing : 0.f;
  }

  void set_mask(const Mask &dst, float threshold) {
    Argmax<T, true> &argmax = kernels_.argmax;
    argmax.ids = dst.ids;
    argmax.stride = dst.stride;
    argmax.confidence = dst.confidence;
    argmax.confidence_stride = dst.confidence_stride;
    argmax.threshold = threshold;
  }

  const FrameInfo info_;
  std::unique_ptr<Network<T>> network_;
  int mask_width_, mask_height_;
  Stream stream_;  // for frames without one
  Event done_;     // of the frame, for a thread that sleeps
  std::optional<Upload> upload_;
  std::optional<Download> download_;  // from the first mask in host memory on
  DeviceMemory input_, average_, previous_, change_, counts_;
  PinnedMemory host_counts_;
  DeviceMemory areas_, area_counts_;  // of set_areas()
  PinnedMemory host_area_counts_;
  int n_areas_ = 1;
  FrameKernels<T> kernels_;
  FrameGraph<T> graphs_[2][2];  // smooths, soft; from the first such frame on
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

  Result<> set_areas(const uint8_t *areas, int n) override {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The CUDA engine is not configured"};
    const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context_));
    return pipeline_->set_areas(areas, n);
  }

  int mask_width() const override {
    return pipeline_ ? pipeline_->mask_width() : 0;
  }
  int mask_height() const override {
    return pipeline_ ? pipeline_->mask_height() : 0;
  }

  std::string fused_blocks() const override {
    return pipeline_ ? pipeline_->fused_blocks() : "";
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
