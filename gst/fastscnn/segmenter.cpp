// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/segmenter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gst/base/moduleloader.h"
#include "gst/base/cudamemory.h"

namespace fastscnn
{
namespace
{

/* The pixels of a mask while they are written; null if they cannot be. */
class WriteMapping
{
public:
  WriteMapping (GstBuffer *buffer, int more_flags)
      : buffer_ (buffer), mapped_ (gst_buffer_map (buffer, &map_,
                              (GstMapFlags)(GST_MAP_WRITE | more_flags)))
  {
  }
  ~WriteMapping ()
  {
    if (mapped_)
      gst_buffer_unmap (buffer_, &map_);
  }
  WriteMapping (const WriteMapping &) = delete;
  WriteMapping &operator= (const WriteMapping &) = delete;

  uint8_t *
  data () const
  {
    return mapped_ ? map_.data : nullptr;
  }

private:
  GstBuffer *buffer_;
  GstMapInfo map_;
  const bool mapped_;
};

} // namespace

Segmenter::Segmenter (const Settings &settings, FellBack fell_back,
    std::shared_ptr<const SharedModel> model)
    : settings_ (settings), fell_back_ (std::move (fell_back)),
      model_ (std::move (model))
{
}

Result<std::unique_ptr<Segmenter> >
Segmenter::create (const Settings &settings, FellBack fell_back)
{
  auto model = FASTSCNN_TRY (open_model (settings.model_file));
  std::unique_ptr<Segmenter> segmenter (
      new Segmenter (settings, std::move (fell_back), std::move (model)));
  FASTSCNN_TRY (segmenter->open_engine ());
  return segmenter;
}

Result<>
Segmenter::use_backend (const std::string &name)
{
  Device device;
  device.id = settings_.cuda_device_id;
  device.threads = (int)settings_.threads;
  device.queue.context = cuda_context_;
  device.warn = [] (const char *sentence) { GST_WARNING ("%s", sentence); };

  Backend *backend = FASTSCNN_TRY (open_backend (name));
  engine_ = FASTSCNN_TRY (backend->create_engine (model_->model, device));
  device_ = FASTSCNN_TRY (backend->device_name (device));
  backend_ = name;
  return {};
}

Result<>
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
  const Result<> cuda = use_backend ("cuda");
  if (cuda)
    return cuda;
  passed_over_ = cuda.error ().sentence;
  return use_backend ("cpu");
}

/* Goes on with the CPU; if that is no choice, the error stands. */
Result<>
Segmenter::recover (const Error &error)
{
  if (settings_.backend != BackendChoice::kAuto || backend_ == "cpu" ||
      info_.memory == Memory::kDevice)
    return error;
  FASTSCNN_TRY (use_backend ("cpu"));
  FASTSCNN_TRY (plan ());
  fell_back_ (*this, error.sentence.c_str ());
  return {};
}

/* For frames in GPU memory of that CUcontext. */
Result<>
Segmenter::use_context (void *cuda_context)
{
  if (backend_ != "cuda")
    return Error{ Error::Kind::kDevice,
      "Frames in GPU memory need the CUDA engine; put cudadownload in front." };
  if (cuda_context == cuda_context_)
    return {};
  cuda_context_ = cuda_context;
  return use_backend ("cuda");
}

Result<>
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
  FASTSCNN_TRY (engine_->configure (info_, config));
  pool_ = std::make_unique<MaskPool> (
      engine_->mask_width (), engine_->mask_height (), allocator_.get ());
  return {};
}

Result<>
Segmenter::configure (
    const FrameInfo &info, void *cuda_context, GstAllocator *allocator)
{
  info_ = info;
  allocator_.reset (allocator);
  if (info.memory == Memory::kDevice)
    FASTSCNN_TRY (use_context (cuda_context));
  const Result<> planned = plan ();
  return planned ? planned : recover (planned.error ());
}

Result<SegmentationPtr>
Segmenter::segment (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  const Result<SegmentationPtr> result = attempt (frame, queue, request);
  if (result)
    return result;
  FASTSCNN_TRY (recover (result.error ()));
  return attempt (frame, queue, request);
}

Result<SegmentationPtr>
Segmenter::attempt (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  const GstClockTime begin = gst_util_get_timestamp ();
  uint32_t counts[256];
  auto result = std::make_shared<Segmentation> ();
  result->model = model_;
  result->part = request.part;
  result->time = request.time;
  result->mask = FASTSCNN_TRY (pool_->acquire ());
  if (request.with_confidence)
    result->confidence = FASTSCNN_TRY (pool_->acquire ());
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
    if (!mask.ids || (confidence && !mask.confidence))
      return Error{ Error::Kind::kEngine, "The memory of a mask is lost." };
    mask.memory = allocator_ ? Memory::kDevice : Memory::kHost;
    FASTSCNN_TRY (engine_->segment (frame, mask, request.options, queue));
  }
  result->took = gst_util_get_timestamp () - begin;
  std::copy_n (counts, 256, result->pixels);
  return result;
}

} // namespace fastscnn
