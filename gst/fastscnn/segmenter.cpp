// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/segmenter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gst/fastscnn/backend.h"
#include "gst/fastscnn/cudamemory.h"

namespace fastscnn
{
namespace
{

/* The pixels of a mask while they are written. */
class WriteMapping
{
public:
  WriteMapping (GstBuffer *buffer, int more_flags) : buffer_ (buffer)
  {
    if (!gst_buffer_map (
            buffer, &map_, (GstMapFlags)(GST_MAP_WRITE | more_flags)))
      throw Error (Error::Kind::kEngine, "The memory of a mask is lost.");
  }
  ~WriteMapping ()
  {
    gst_buffer_unmap (buffer_, &map_);
  }
  WriteMapping (const WriteMapping &) = delete;
  WriteMapping &operator= (const WriteMapping &) = delete;

  uint8_t *
  data () const
  {
    return map_.data;
  }

private:
  GstBuffer *buffer_;
  GstMapInfo map_;
};

} // namespace

Segmenter::Segmenter (const Settings &settings, FellBack fell_back)
    : settings_ (settings), fell_back_ (std::move (fell_back)),
      model_ (open_model (settings.model_file))
{
  open_engine ();
}

void
Segmenter::use_backend (const std::string &name)
{
  use_backend (name, *value_or_throw (open_backend (name)));
}

void
Segmenter::use_backend (const std::string &name, Backend &backend)
{
  Device device;
  device.id = settings_.cuda_device_id;
  device.threads = (int)settings_.threads;
  device.queue.context = cuda_context_;
  device.warn = [] (const char *sentence) { GST_WARNING ("%s", sentence); };

  engine_ = backend.create_engine (model_->model, device);
  device_ = backend.device_name (device);
  backend_ = name;
}

void
Segmenter::open_engine ()
{
  switch (settings_.backend) {
  case BackendChoice::kCuda:
    return use_backend ("cuda");
  case BackendChoice::kCpu:
    return use_backend ("cpu");
  case BackendChoice::kAuto:
    break;
  }
  const Result<Backend *> cuda = open_backend ("cuda");
  if (!cuda) {
    passed_over_ = cuda.error ().what ();
    return use_backend ("cpu");
  }
  try {
    use_backend ("cuda", **cuda);
  } catch (const Error &error) {
    passed_over_ = error.what ();
    use_backend ("cpu");
  }
}

/* To be called while handling `error`, which goes on unless there is something
 * else to try. */
void
Segmenter::recover (const std::exception &error)
{
  if (settings_.backend != BackendChoice::kAuto || backend_ == "cpu" ||
      info_.memory == Memory::kDevice)
    throw;
  use_backend ("cpu");
  plan ();
  fell_back_ (*this, error.what ());
}

void
Segmenter::plan ()
{
  const ModelInfo &model = model_->model->info ();
  const Shape input = choose_input_size ((int)settings_.infer_width,
      (int)settings_.infer_height, model.input_width, model.input_height,
      info_.width, info_.height);
  Config config;

  config.input_width = input.width;
  config.input_height = input.height;
  if (settings_.mask_size == MaskSize::kFrame) {
    config.mask_width = info_.width;
    config.mask_height = info_.height;
  } else if (settings_.mask_size == MaskSize::kNetwork) {
    config.mask_width = input.width;
    config.mask_height = input.height;
  }
  engine_->configure (info_, config);
  pool_ = std::make_unique<MaskPool> (
      engine_->mask_width (), engine_->mask_height (), allocator_.get ());
}

void
Segmenter::configure (
    const FrameInfo &info, void *cuda_context, GstAllocator *allocator)
{
  info_ = info;
  allocator_.reset (allocator);
  try {
    if (info.memory == Memory::kDevice && backend_ != "cuda")
      throw Error (Error::Kind::kDevice,
          "Frames in GPU memory need the CUDA engine; put cudadownload in "
          "front.");
    if (info.memory == Memory::kDevice && cuda_context != cuda_context_) {
      cuda_context_ = cuda_context;
      use_backend ("cuda");
    }
    plan ();
  } catch (const std::exception &error) {
    recover (error);
  }
}

SegmentationPtr
Segmenter::segment (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  try {
    return attempt (frame, queue, request);
  } catch (const std::exception &error) {
    recover (error);
    return attempt (frame, queue, request);
  }
}

SegmentationPtr
Segmenter::attempt (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  const GstClockTime begin = gst_util_get_timestamp ();
  uint32_t counts[256];
  auto result = std::make_shared<Segmentation> ();
  result->model = model_;
  result->part = request.part;
  result->time = request.time;
  result->mask = pool_->acquire ();
  if (request.with_confidence)
    result->confidence = pool_->acquire ();
  {
    const int flags = allocator_ ? CudaMemory::map_flag () : 0;
    const WriteMapping ids (result->mask.get (), flags);
    std::optional<WriteMapping> confidence;
    Mask mask;
    mask.ids = ids.data ();
    mask.stride = engine_->mask_width ();
    mask.counts = counts;
    if (result->confidence) {
      confidence.emplace (result->confidence.get (), flags);
      mask.confidence = confidence->data ();
      mask.confidence_stride = engine_->mask_width ();
    }
    engine_->load (frame, queue);
    engine_->infer (mask, request.options, queue);
    /* Masks may be read as soon as they are out, by whomever. */
    engine_->wait (queue);
  }
  result->took = gst_util_get_timestamp () - begin;
  std::copy_n (counts, 256, result->pixels);
  return result;
}

} // namespace fastscnn
