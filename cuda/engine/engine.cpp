// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/engine.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include "cuda/engine/frameexecutor.h"
#include "cuda/engine/kernels/countareas.h"
#include "cuda/engine/sampleframe.h"
#include "cuda/engine/transfer/download.h"
#include "cuda/engine/transfer/upload.h"

namespace fastscnn::cuda {
namespace {

/// Segments the frames of a stream in one configuration. Owns everything that
/// the stream does not share.
template <typename T>
class FrameStream {
 public:
  /// member: with executors of the type FrameExecutor<T>; must outlive this.
  static Result<std::unique_ptr<FrameStream>> create(
      const ExecutorPool::Member &member, const ModelInfo &model,
      const FrameInfo &src, const Config &config, PlanCache *cache,
      const PlanCache::Warn &warn) {
    std::unique_ptr<FrameStream> stream(
        new FrameStream(member, model, src, config));
    FASTSCNN_TRY(stream->prepare(model, cache, warn));
    return stream;
  }

  int mask_width() const { return mask_width_; }
  int mask_height() const { return mask_height_; }
  std::string fused_blocks() const { return fused_blocks_; }

  /// upstream: (nullable) stream on which earlier work on src is queued.
  Result<> segment(const ConstFrame &src, const Mask &dst,
                   const Options &options, cudaStream_t upstream) {
    const Result<> done = run(src, dst, options, upstream);
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

  FrameStream(const ExecutorPool::Member &member, const ModelInfo &model,
              const FrameInfo &src, const Config &config)
      : info_(src),
        member_(member),
        mask_width_(config.mask_width),
        mask_height_(config.mask_height) {
    kernels_.preprocess =
        make_preprocess<T>(src, model, config.input_height, config.input_width);
  }

  /// Waits for the GPU even if queueing failed: work queued before the failure
  /// still uses the frame, the mask and the buffers.
  Result<> wait(const Result<> &queued, bool sleeps) {
    Result<> done = sleeps ? sleep() : Result<>();
    if (!sleeps || !done)
      done = check_cuda("cudaStreamSynchronize",
                        cudaStreamSynchronize(stream_.get()));
    return queued ? done : queued;
  }

  Result<> sleep() {
    TRY_CUDA(cudaEventRecord(done_.get(), stream_.get()));
    TRY_CUDA(cudaEventSynchronize(done_.get()));
    return {};
  }

  Result<> prepare(const ModelInfo &model, PlanCache *cache,
                   const PlanCache::Warn &warn) {
    stream_ = FASTSCNN_TRY(make_stream());
    done_ = FASTSCNN_TRY(make_sleeping_event());
    ready_ = FASTSCNN_TRY(make_event());
    if (info_.memory == Memory::kHost)
      upload_ = FASTSCNN_TRY(Upload::create(info_));
    bool has_front = false;
    {
      const ExecutorPool::Lease lease = member_.acquire();
      const auto &executor = static_cast<FrameExecutor<T> &>(lease.executor());
      logits_ = executor.logits_shape();
      fused_blocks_ = executor.fused_blocks(false);
      has_front = executor.has_front();
    }
    if (has_front) FASTSCNN_TRY(choose_front(cache, warn));
    if (!mask_width_) {
      mask_width_ = logits_.width;
      mask_height_ = logits_.height;
    }
    FASTSCNN_TRY(prepare_smoothing());
    FASTSCNN_TRY(prepare_argmax(model));
    return wait(clear(), false);
  }

  Result<> clear() {
    const cudaStream_t stream = stream_.get();
    TRY_CUDA(cudaMemsetAsync(previous_.get(), 0, kPreviousBytes, stream));
    TRY_CUDA(cudaMemsetAsync(counts_.get(), 0, kSumsBytes, stream));
    return {};
  }

  /// Asks one executor: all of a kind prefer the same.
  Result<> choose_front(PlanCache *cache, const PlanCache::Warn &warn) {
    // Made before the executor is acquired: frames of other streams may wait
    // for it.
    const SampleFrame sample = FASTSCNN_TRY(SampleFrame::create(info_));
    Preprocess<T> preprocess = kernels_.preprocess;
    set_frame(&preprocess, info_, sample.frame);
    const ExecutorPool::Lease lease = member_.acquire();
    const auto &executor = static_cast<FrameExecutor<T> &>(lease.executor());
    kernels_.fuses_front =
        FASTSCNN_TRY(executor.prefers_front(preprocess, cache, warn));
    fused_blocks_ = executor.fused_blocks(kernels_.fuses_front);
    return {};
  }

  Result<> prepare_smoothing() {
    TemporalFilter<T> &filter = kernels_.filter;
    filter.count = logits_.channels * logits_.height * logits_.width;
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
    const bool align = model.variant.align_corners;
    Argmax<T, true> &argmax = kernels_.argmax;
    argmax.logits = {nullptr, logits_.channels,
                     make_axis(logits_.height, mask_height_, align),
                     make_axis(logits_.width, mask_width_, align)};
    argmax.height = mask_height_;
    argmax.width = mask_width_;
    argmax.counts = static_cast<uint32_t *>(counts_.get());
    argmax.result = static_cast<uint32_t *>(host_counts_.get());
    return {};
  }

  /// Acquires an executor as late as possible: the frame is uploaded meanwhile.
  Result<> run(const ConstFrame &src, const Mask &dst, const Options &options,
               cudaStream_t upstream) {
    const Result<> uploaded = upload(src, upstream);
    const ExecutorPool::Lease lease = member_.acquire();
    auto &executor = static_cast<FrameExecutor<T> &>(lease.executor());
    return wait(uploaded ? queue(dst, options, executor) : uploaded,
                options.sleeps);
  }

  Result<> upload(const ConstFrame &src, cudaStream_t upstream) {
    if (upstream) FASTSCNN_TRY(follow(upstream));
    ConstFrame frame = src;
    if (upload_) frame = FASTSCNN_TRY(upload_->queue(src, stream_.get()));
    set_frame(&kernels_.preprocess, info_, frame);
    return {};
  }

  /// Makes our stream wait for upstream's. If we queued the frame on upstream's
  /// own stream, it could have to wait for the uploads of later frames.
  Result<> follow(cudaStream_t upstream) {
    const cudaError_t status = cudaStreamQuery(upstream);
    if (status != cudaErrorNotReady)
      return check_cuda("cudaStreamQuery", status);
    cudaGetLastError();  // cudaErrorNotReady is not an error
    TRY_CUDA(cudaEventRecord(ready_.get(), upstream));
    TRY_CUDA(cudaStreamWaitEvent(stream_.get(), ready_.get(), 0));
    return {};
  }

  Result<> queue(const Mask &dst, const Options &options,
                 FrameExecutor<T> &executor) {
    const cudaStream_t stream = stream_.get();
    const bool downloads = dst.memory == Memory::kHost;
    if (downloads && !download_)
      download_ = FASTSCNN_TRY(Download::create(mask_width_, mask_height_));
    set_smoothing(options.smoothing);
    set_mask(downloads ? download_->source(dst) : dst,
             options.confidence_threshold);
    FASTSCNN_TRY(executor.enqueue(kernels_, stream));
    if (dst.counts && n_areas_ > 1) FASTSCNN_TRY(count_areas(stream));
    return downloads ? download_->queue(dst, stream) : Result<>();
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
  const ExecutorPool::Member &member_;
  Shape logits_;
  std::string fused_blocks_;
  int mask_width_, mask_height_;
  Stream stream_;
  Event ready_;  // of the frame, on the stream of upstream
  Event done_;   // of the mask, for a thread that sleeps
  std::optional<Upload> upload_;
  std::optional<Download> download_;  // made for the first mask in host memory
  DeviceMemory average_, previous_, change_, counts_;
  PinnedMemory host_counts_;
  DeviceMemory areas_, area_counts_;  // of set_areas()
  PinnedMemory host_area_counts_;
  int n_areas_ = 1;
  FrameKernels<T> kernels_;  // without the executor's parameters
  bool has_average_ = false;
};

template <typename T>
class CudaEngine : public Engine {
 public:
  CudaEngine(std::shared_ptr<const Context> context,
             std::shared_ptr<ExecutorPool> pool,
             std::shared_ptr<const Weights<T>> weights,
             std::shared_ptr<PlanCache> cache, PlanCache::Warn warn)
      : context_(std::move(context)),
        pool_(std::move(pool)),
        weights_(std::move(weights)),
        cache_(std::move(cache)),
        warn_(std::move(warn)) {}

  ~CudaEngine() override {
    // If this fails, the context is already destroyed with everything in it.
    const Result<ContextGuard> guard = ContextGuard::enter(*context_);
    frames_.reset();
    member_.reset();
  }

  Result<> configure(const FrameInfo &src, const Config &config) override {
    const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context_));
    frames_.reset();
    const ExecutorKind kind = {weights_.get(), config.input_height,
                               config.input_width, config.fused};
    if (!member_ || !(kind == kind_)) FASTSCNN_TRY(join(kind));
    frames_ = FASTSCNN_TRY(FrameStream<T>::create(
        *member_, weights_->model().info(), src, config, cache_.get(), warn_));
    return {};
  }

  Result<> segment(const ConstFrame &frame, const Mask &mask,
                   const Options &options, Queue queue) override {
    if (!frames_)
      return Error{Error::Kind::kEngine, "The CUDA engine is not configured"};
    const ContextGuard guard =
        FASTSCNN_TRY(ContextGuard::enter(*context_, queue));
    return frames_->segment(frame, mask, options,
                            static_cast<cudaStream_t>(queue.stream));
  }

  Result<> set_areas(const uint8_t *areas, int n) override {
    if (!frames_)
      return Error{Error::Kind::kEngine, "The CUDA engine is not configured"};
    const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context_));
    return frames_->set_areas(areas, n);
  }

  int mask_width() const override {
    return frames_ ? frames_->mask_width() : 0;
  }
  int mask_height() const override {
    return frames_ ? frames_->mask_height() : 0;
  }

  std::string fused_blocks() const override {
    return frames_ ? frames_->fused_blocks() : "";
  }

  void reset() override {
    if (frames_) frames_->reset();
  }

  const char *precision() const override {
    return std::is_same_v<T, float> ? "fp32" : "fp16";
  }

 private:
  Result<> join(const ExecutorKind &kind) {
    const auto make = [&]() -> Result<std::unique_ptr<Executor>> {
      return FASTSCNN_TRY(FrameExecutor<T>::create(
          weights_, kind.height, kind.width, kind.fused, cache_.get(), warn_));
    };
    member_.reset();  // first, or both would hold memory at once
    member_.emplace(FASTSCNN_TRY(pool_->join(kind, make, warn_)));
    kind_ = kind;
    return {};
  }

  std::shared_ptr<const Context> context_;
  std::shared_ptr<ExecutorPool> pool_;
  std::shared_ptr<const Weights<T>> weights_;
  std::shared_ptr<PlanCache> cache_;
  PlanCache::Warn warn_;
  ExecutorKind kind_;
  std::optional<ExecutorPool::Member> member_;  // of kind_
  std::unique_ptr<FrameStream<T>> frames_;      // uses member_
};

}  // namespace

Result<size_t> cudnn_version() { return Cudnn::version(); }

template <typename T>
std::unique_ptr<Engine> make_engine(std::shared_ptr<const Context> context,
                                    std::shared_ptr<ExecutorPool> pool,
                                    std::shared_ptr<const Weights<T>> weights,
                                    std::shared_ptr<PlanCache> cache,
                                    PlanCache::Warn warn) {
  return std::make_unique<CudaEngine<T>>(std::move(context), std::move(pool),
                                         std::move(weights), std::move(cache),
                                         std::move(warn));
}

template std::unique_ptr<Engine> make_engine<__half>(
    std::shared_ptr<const Context>, std::shared_ptr<ExecutorPool>,
    std::shared_ptr<const Weights<__half>>, std::shared_ptr<PlanCache>,
    PlanCache::Warn);
template std::unique_ptr<Engine> make_engine<float>(
    std::shared_ptr<const Context>, std::shared_ptr<ExecutorPool>,
    std::shared_ptr<const Weights<float>>, std::shared_ptr<PlanCache>,
    PlanCache::Warn);

}  // namespace fastscnn::cuda
