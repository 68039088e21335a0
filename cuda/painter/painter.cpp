// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/painter/painter.h"

#include <cstring>
#include <utility>

#include "cuda/engine/graph.h"
#include "cuda/handles.h"
#include "cuda/painter/program.h"
#include "net/color.h"

namespace fastscnn::cuda {
namespace {

/// Goes on until something fails.
struct Runner {
  cudaStream_t stream;
  Result<> status = {};

  template <typename Kernel>
  void items(const Kernel &kernel) {
    if (status) status = launch(kernel, stream);
  }
};

/// Host memory that is sent to the device now and then; grows.
class Sender {
 public:
  static Result<Sender> create() {
    Sender sender;
    sender.sent_ = FASTSCNN_TRY(make_event());
    return sender;
  }

  /// Where the next bytes are to be written, once the last ones are sent.
  Result<void *> begin(size_t bytes) {
    // Waits for the GPU if it has not yet fetched what was sent before.
    TRY_CUDA(cudaEventSynchronize(sent_.get()));
    if (bytes > size_) {
      FASTSCNN_TRY(synchronize_context());  // kernels may read the old one
      size_ = 0;
      pinned_ = FASTSCNN_TRY(make_pinned_memory(bytes));
      device_ = FASTSCNN_TRY(make_device_memory(bytes));
      size_ = bytes;
    }
    return pinned_.get();
  }

  Result<> send(size_t bytes, cudaStream_t stream) {
    TRY_CUDA(cudaMemcpyAsync(device_.get(), pinned_.get(), bytes,
                             cudaMemcpyHostToDevice, stream));
    TRY_CUDA(cudaEventRecord(sent_.get(), stream));
    return {};
  }

  void *device() const { return device_.get(); }

 private:
  Sender() = default;

  size_t size_ = 0;
  PinnedMemory pinned_;
  DeviceMemory device_;
  Event sent_;
};

bool same(const Rgba &a, const Rgba &b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// Whether both lead to the same tables.
bool same_colors(const PaintStyle &a, const PaintStyle &b) {
  return a.mode == b.mode && same(a.background, b.background) &&
         std::memcmp(a.color, b.color, sizeof a.color) == 0;
}

/// The buffers for one kind of frames.
class Canvas {
 public:
  static Result<std::unique_ptr<Canvas>> create(const FrameInfo &info) {
    Sender tables = FASTSCNN_TRY(Sender::create());
    Sender mask = FASTSCNN_TRY(Sender::create());
    Sender picture = FASTSCNN_TRY(Sender::create());
    std::unique_ptr<Canvas> canvas(new Canvas(
        info, std::move(tables), std::move(mask), std::move(picture)));
    FASTSCNN_TRY(canvas->allocate());
    return canvas;
  }

  ~Canvas() { (void)synchronize_context(); }  // nothing may be in use any more

  Result<> paint(const Frame &dst, PaintMask mask, const PaintStyle &style,
                 cudaStream_t given) {
    const cudaStream_t stream = FASTSCNN_TRY(begin(given));
    FASTSCNN_TRY(update_tables(style, stream));
    const uint8_t *given_ids = mask.ids;
    if (!style.cover_all) mask = FASTSCNN_TRY(on_device(mask, stream));
    const bool in_place = !style.cover_all && mask.ids == given_ids;
    if (style.feather > 0 && !feathered_)
      feathered_ =
          FASTSCNN_TRY(make_device_memory(plan_.pixels() * sizeof(PaintPixel)));
    Runner runner{stream};
    plan_.paint(dst, mask, style, memory(), runner);
    FASTSCNN_TRY(runner.status);
    return finish(stream, !given || in_place);
  }

  Result<> paint_image(const Frame &dst, const PaintImage &picture,
                       cudaStream_t given) {
    const cudaStream_t stream = FASTSCNN_TRY(begin(given));
    FASTSCNN_TRY(update_picture(picture, stream));
    Runner runner{stream};
    plan_.paint_image(dst, picture,
                      static_cast<const PaintPixel *>(picture_.device()),
                      runner);
    FASTSCNN_TRY(runner.status);
    return finish(stream, !given);
  }

 private:
  Canvas(const FrameInfo &info, Sender tables, Sender mask, Sender picture)
      : info_(info),
        from_rgb_(invert(info.to_rgb, info.components)),
        plan_(info),
        tables_(std::move(tables)),
        mask_(std::move(mask)),
        picture_(std::move(picture)) {}

  Result<> allocate() {
    own_stream_ = FASTSCNN_TRY(make_stream());
    done_ = FASTSCNN_TRY(make_event());
    values_ = FASTSCNN_TRY(make_device_memory(plan_.pixels()));
    outlines_ = FASTSCNN_TRY(make_device_memory(plan_.pixels()));
    covered_ = FASTSCNN_TRY(make_device_memory(plan_.cells()));
    cells_ =
        FASTSCNN_TRY(make_device_memory(3 * plan_.cells() * sizeof(float)));
    return {};
  }

  /// The buffers are shared by whatever streams frames come on.
  Result<cudaStream_t> begin(cudaStream_t given) {
    const cudaStream_t stream = given ? given : own_stream_.get();
    TRY_CUDA(cudaStreamWaitEvent(stream, done_.get(), 0));
    return stream;
  }

  /// wait: memory without a stream is complete when it is pushed, and a mask
  /// that is read in place may be written again once it is unmapped.
  Result<> finish(cudaStream_t stream, bool wait) {
    TRY_CUDA(cudaEventRecord(done_.get(), stream));
    if (wait) TRY_CUDA(cudaStreamSynchronize(stream));
    return {};
  }

  Result<> update_tables(const PaintStyle &style, cudaStream_t stream) {
    if (has_tables_ && same_colors(style, style_)) return {};
    const PaintTables tables = make_tables(info_, style);
    void *sent = FASTSCNN_TRY(tables_.begin(sizeof tables));
    std::memcpy(sent, &tables, sizeof tables);
    FASTSCNN_TRY(tables_.send(sizeof tables, stream));
    style_ = style;
    has_tables_ = true;
    return {};
  }

  Result<PaintMask> on_device(PaintMask mask, cudaStream_t stream) {
    if (mask.memory == Memory::kDevice) return mask;
    const size_t bytes = size_t(mask.width) * mask.height;
    void *rows = FASTSCNN_TRY(mask_.begin(bytes));
    for (int y = 0; y < mask.height; y++)
      std::memcpy(static_cast<uint8_t *>(rows) + size_t(y) * mask.width,
                  mask.ids + ptrdiff_t(y) * mask.stride, mask.width);
    FASTSCNN_TRY(mask_.send(bytes, stream));
    mask.ids = static_cast<const uint8_t *>(mask_.device());
    mask.stride = mask.width;
    return mask;
  }

  Result<> update_picture(const PaintImage &picture, cudaStream_t stream) {
    if (has_picture_ && picture.serial == picture_serial_) return {};
    const size_t bytes =
        size_t(picture.width) * picture.height * sizeof(PaintPixel);
    void *pixels = FASTSCNN_TRY(picture_.begin(bytes));
    PaintPixel *pixel = static_cast<PaintPixel *>(pixels);
    for (int y = 0; y < picture.height; y++)
      for (int x = 0; x < picture.width; x++)
        *pixel++ =
            convert_pixel(info_, from_rgb_,
                          picture.rgba + ptrdiff_t(y) * picture.stride + 4 * x);
    FASTSCNN_TRY(picture_.send(bytes, stream));
    picture_serial_ = picture.serial;
    has_picture_ = true;
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
            cells + plan_.cells(),
            cells + 2 * plan_.cells()};
  }

  const FrameInfo info_;
  const ColorTransform from_rgb_;
  const PaintPlan plan_;
  Stream own_stream_;
  Event done_;
  DeviceMemory values_, outlines_, covered_, cells_, feathered_;
  Sender tables_, mask_, picture_;
  PaintStyle style_;  // that the tables were made for
  bool has_tables_ = false;
  uint32_t picture_serial_ = 0;
  bool has_picture_ = false;
};

class CudaPainter : public Painter {
 public:
  explicit CudaPainter(std::shared_ptr<const Context> context)
      : context_(std::move(context)) {}

  ~CudaPainter() override {
    // Without success the context is gone, and all that was in it.
    const Result<Current> current = Current::enter(*context_);
    canvas_.reset();
  }

  Result<> configure(const FrameInfo &frame) override {
    const Current current = FASTSCNN_TRY(Current::enter(*context_));
    canvas_.reset();
    canvas_ = FASTSCNN_TRY(Canvas::create(frame));
    return {};
  }

  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue queue) override {
    FASTSCNN_TRY(check_ready(queue));
    const Current current = FASTSCNN_TRY(Current::enter(*context_));
    return canvas_->paint(dst, mask, style,
                          static_cast<cudaStream_t>(queue.stream));
  }

  Result<> paint_image(const Frame &dst, const PaintImage &picture,
                       Queue queue) override {
    FASTSCNN_TRY(check_ready(queue));
    const Current current = FASTSCNN_TRY(Current::enter(*context_));
    return canvas_->paint_image(dst, picture,
                                static_cast<cudaStream_t>(queue.stream));
  }

 private:
  Result<> check_ready(const Queue &queue) const {
    if (!canvas_)
      return Error{Error::Kind::kEngine, "The CUDA painter is not configured"};
    if (queue.context && queue.context != context_->handle())
      return Error{
          Error::Kind::kEngine,
          "The frame belongs to another CUDA context than the painter"};
    return {};
  }

  std::shared_ptr<const Context> context_;
  std::unique_ptr<Canvas> canvas_;
};

}  // namespace

std::unique_ptr<Painter> make_painter(std::shared_ptr<const Context> context) {
  return std::make_unique<CudaPainter>(std::move(context));
}

}  // namespace fastscnn::cuda
