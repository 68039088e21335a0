// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/painter/painter.h"

#include <cstring>
#include <utility>

#include "cuda/graph.h"
#include "cuda/handles.h"
#include "cuda/painter/paintsequence.h"
#include "net/color.h"

namespace fastscnn::cuda {
namespace {

/// A pinned buffer and its copy on the device.
class Staging {
 public:
  static Result<Staging> create() {
    Staging staging;
    staging.copied_ = FASTSCNN_TRY(make_event());
    return staging;
  }

  /// The pinned buffer, of at least this many bytes, for the caller to fill.
  Result<void *> begin(size_t bytes) {
    // Waits for the GPU if the last copy is not complete.
    TRY_CUDA(cudaEventSynchronize(copied_.get()));
    if (bytes > size_) {
      FASTSCNN_TRY(synchronize_context());  // kernels may read the old buffer
      size_ = 0;
      pinned_ = FASTSCNN_TRY(make_pinned_memory(bytes));
      device_ = FASTSCNN_TRY(make_device_memory(bytes));
      size_ = bytes;
    }
    return pinned_.get();
  }

  /// Queues the copy to the device.
  Result<> copy(size_t bytes, cudaStream_t stream) {
    TRY_CUDA(cudaMemcpyAsync(device_.get(), pinned_.get(), bytes,
                             cudaMemcpyHostToDevice, stream));
    TRY_CUDA(cudaEventRecord(copied_.get(), stream));
    return {};
  }

  void *device() const { return device_.get(); }

 private:
  Staging() = default;

  size_t size_ = 0;
  PinnedMemory pinned_;
  DeviceMemory device_;
  Event copied_;
};

bool same(const Rgba &a, const Rgba &b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// Whether make_tables() returns the same for both.
bool same_colors(const PaintStyle &a, const PaintStyle &b) {
  return a.mode == b.mode && same(a.background, b.background) &&
         std::memcmp(a.color, b.color, sizeof a.color) == 0;
}

/// The buffers and tables for frames of one FrameInfo.
class Pipeline {
 public:
  static Result<std::unique_ptr<Pipeline>> create(const FrameInfo &info) {
    Staging tables = FASTSCNN_TRY(Staging::create());
    Staging mask = FASTSCNN_TRY(Staging::create());
    Staging image = FASTSCNN_TRY(Staging::create());
    std::unique_ptr<Pipeline> pipeline(new Pipeline(
        info, std::move(tables), std::move(mask), std::move(image)));
    FASTSCNN_TRY(pipeline->allocate());
    return pipeline;
  }

  /// Kernels that are still queued use the buffers.
  ~Pipeline() { (void)synchronize_context(); }

  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, cudaStream_t given) {
    const cudaStream_t stream = given ? given : stream_.get();
    const bool in_place = !style.cover_all && mask.memory == Memory::kDevice;
    return finish(queue(dst, mask, style, stream), stream, !given || in_place);
  }

  Result<> paint_image(const Frame &dst, const PaintImage &image,
                       cudaStream_t given) {
    const cudaStream_t stream = given ? given : stream_.get();
    return finish(queue(dst, image, stream), stream, !given);
  }

 private:
  Pipeline(const FrameInfo &info, Staging tables, Staging mask, Staging image)
      : info_(info),
        from_rgb_(invert(info.to_rgb, info.components)),
        sequence_(info),
        tables_(std::move(tables)),
        mask_(std::move(mask)),
        image_(std::move(image)) {}

  Result<> allocate() {
    stream_ = FASTSCNN_TRY(make_stream());
    done_ = FASTSCNN_TRY(make_event());
    values_ = FASTSCNN_TRY(make_device_memory(sequence_.pixels()));
    outlines_ = FASTSCNN_TRY(make_device_memory(sequence_.pixels()));
    covered_ = FASTSCNN_TRY(make_device_memory(sequence_.cells()));
    cells_ =
        FASTSCNN_TRY(make_device_memory(3 * sequence_.cells() * sizeof(float)));
    return {};
  }

  Result<> queue(const Frame &dst, PaintMask mask, const PaintStyle &style,
                 cudaStream_t stream) {
    FASTSCNN_TRY(wait_for_last(stream));
    FASTSCNN_TRY(update_tables(style, stream));
    if (!style.cover_all && mask.memory == Memory::kHost)
      mask = FASTSCNN_TRY(upload(mask, stream));
    if (style.feather > 0 && !feathered_)
      feathered_ = FASTSCNN_TRY(
          make_device_memory(sequence_.pixels() * sizeof(PaintPixel)));
    Launcher launcher{stream};
    sequence_.paint(dst, mask, style, memory(), launcher);
    return launcher.status;
  }

  Result<> queue(const Frame &dst, const PaintImage &image,
                 cudaStream_t stream) {
    FASTSCNN_TRY(wait_for_last(stream));
    FASTSCNN_TRY(update_image(image, stream));
    Launcher launcher{stream};
    sequence_.paint_image(
        dst, image, static_cast<const PaintPixel *>(image_.device()), launcher);
    return launcher.status;
  }

  /// Frames may come on different streams, but share the buffers.
  Result<> wait_for_last(cudaStream_t stream) const {
    TRY_CUDA(cudaStreamWaitEvent(stream, done_.get(), 0));
    return {};
  }

  /// wait: needed if the frame has no stream, because downstream then expects
  /// it to be complete, and if the mask is read in place, because it may be
  /// overwritten as soon as it is unmapped.
  Result<> finish(const Result<> &queued, cudaStream_t stream, bool wait) {
    if (!queued) {
      // Work queued before the failure still uses the frame and the mask.
      (void)cudaStreamSynchronize(stream);
      return queued;
    }
    TRY_CUDA(cudaEventRecord(done_.get(), stream));
    if (wait) TRY_CUDA(cudaStreamSynchronize(stream));
    return {};
  }

  Result<> update_tables(const PaintStyle &style, cudaStream_t stream) {
    if (has_tables_ && same_colors(style, style_)) return {};
    const PaintTables tables = make_tables(info_, style);
    void *pinned = FASTSCNN_TRY(tables_.begin(sizeof tables));
    std::memcpy(pinned, &tables, sizeof tables);
    FASTSCNN_TRY(tables_.copy(sizeof tables, stream));
    style_ = style;
    has_tables_ = true;
    return {};
  }

  Result<PaintMask> upload(PaintMask mask, cudaStream_t stream) {
    const size_t bytes = size_t(mask.width) * mask.height;
    void *rows = FASTSCNN_TRY(mask_.begin(bytes));
    for (int y = 0; y < mask.height; y++)
      std::memcpy(static_cast<uint8_t *>(rows) + size_t(y) * mask.width,
                  mask.ids + ptrdiff_t(y) * mask.stride, mask.width);
    FASTSCNN_TRY(mask_.copy(bytes, stream));
    mask.ids = static_cast<const uint8_t *>(mask_.device());
    mask.stride = mask.width;
    mask.memory = Memory::kDevice;
    return mask;
  }

  Result<> update_image(const PaintImage &image, cudaStream_t stream) {
    if (has_image_ && image.serial == image_serial_) return {};
    const size_t bytes =
        size_t(image.width) * image.height * sizeof(PaintPixel);
    void *pinned = FASTSCNN_TRY(image_.begin(bytes));
    PaintPixel *pixel = static_cast<PaintPixel *>(pinned);
    for (int y = 0; y < image.height; y++)
      for (int x = 0; x < image.width; x++)
        *pixel++ = convert_pixel(
            info_, from_rgb_, image.rgba + ptrdiff_t(y) * image.stride + 4 * x);
    FASTSCNN_TRY(image_.copy(bytes, stream));
    image_serial_ = image.serial;
    has_image_ = true;
    return {};
  }

  PaintMemory memory() const {
    float *cells = static_cast<float *>(cells_.get());
    return {static_cast<const PaintTables *>(tables_.device()),
            static_cast<uint8_t *>(values_.get()),
            static_cast<uint8_t *>(outlines_.get()),
            static_cast<PaintPixel *>(feathered_.get()),
            static_cast<uint8_t *>(covered_.get()),
            cells,
            cells + sequence_.cells(),
            cells + 2 * sequence_.cells()};
  }

  const FrameInfo info_;
  const ColorTransform from_rgb_;
  const PaintSequence sequence_;
  Stream stream_;
  Event done_;
  DeviceMemory values_, outlines_, covered_, cells_, feathered_;
  Staging tables_, mask_, image_;
  PaintStyle style_;  // of tables_
  bool has_tables_ = false;
  uint32_t image_serial_ = 0;
  bool has_image_ = false;
};

class CudaPainter : public Painter {
 public:
  explicit CudaPainter(std::shared_ptr<const Context> context)
      : context_(std::move(context)) {}

  ~CudaPainter() override {
    // If this fails, the context is already destroyed with everything in it.
    const Result<ContextGuard> guard = ContextGuard::enter(*context_);
    pipeline_.reset();
  }

  Result<> configure(const FrameInfo &frame) override {
    const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context_));
    pipeline_.reset();
    pipeline_ = FASTSCNN_TRY(Pipeline::create(frame));
    return {};
  }

  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue queue) override {
    const ContextGuard guard = FASTSCNN_TRY(enter(queue));
    return pipeline_->paint(dst, mask, style,
                            static_cast<cudaStream_t>(queue.stream));
  }

  Result<> paint_image(const Frame &dst, const PaintImage &image,
                       Queue queue) override {
    const ContextGuard guard = FASTSCNN_TRY(enter(queue));
    return pipeline_->paint_image(dst, image,
                                  static_cast<cudaStream_t>(queue.stream));
  }

 private:
  Result<ContextGuard> enter(const Queue &queue) const {
    if (!pipeline_)
      return Error{Error::Kind::kEngine, "The CUDA painter is not configured"};
    return ContextGuard::enter(*context_, queue);
  }

  std::shared_ptr<const Context> context_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace

std::unique_ptr<Painter> make_painter(std::shared_ptr<const Context> context) {
  return std::make_unique<CudaPainter>(std::move(context));
}

}  // namespace fastscnn::cuda
