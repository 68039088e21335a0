// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/segmenter.h"

#include <algorithm>
#include <utility>

#include <gst/classmask/classmask.h>

#include "gst/base/cudamemory.h"
#include "gst/base/moduleloader.h"
#include "gst/base/pinnedallocator.h"

namespace fastscnn
{
namespace
{

/* Maps a mask for writing for a scope. */
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

  /* NULL if the mask could not be mapped. */
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

GstClassMaskMeta *
Segmentation::attach (
    GstBuffer *buffer, const Rect &place, GstClockTime age, GQuark source) const
{
  GstClassMaskMeta *meta =
      gst_buffer_add_class_mask_meta (buffer, gst_buffer_ref (mask.get ()),
          model->classes, place.x, place.y, place.width, place.height);

  meta->age = age;
  meta->source = source;
  if (confidence)
    gst_class_mask_meta_set_confidence (
        meta, gst_buffer_ref (confidence.get ()));
  gst_buffer_add_class_mask_summary (buffer, meta, counts);
  return meta;
}

Segmenter::Segmenter (const Settings &settings, FellBack fell_back,
    std::shared_ptr<const SharedModel> model, Zones zones)
    : settings_ (settings), fell_back_ (std::move (fell_back)),
      model_ (std::move (model)), zones_ (std::move (zones))
{
}

Result<std::unique_ptr<Segmenter> >
Segmenter::create (const Settings &settings, FellBack fell_back)
{
  auto model = FASTSCNN_TRY (open_model (settings.model_file));
  Zones zones = FASTSCNN_TRY (Zones::open (settings.zones));
  std::unique_ptr<Segmenter> segmenter (new Segmenter (
      settings, std::move (fell_back), std::move (model), std::move (zones)));
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
  device.precision = settings_.precision;
  device.warn = [] (const char *sentence) { GST_WARNING ("%s", sentence); };

  Backend *backend = FASTSCNN_TRY (open_backend (name));
  engine_ = FASTSCNN_TRY (backend->create_engine (model_->model, device));
  device_ = FASTSCNN_TRY (backend->device_name (device)) + ", " +
            engine_->precision ();
  backend_ = name;
  pinned_.reset ();
  pinner_.reset ();
  if (name == "cuda") {
    pinned_.reset (gst_pinned_allocator_new (backend, device));
    pinner_.emplace (backend, device);
  }
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
  rejected_backend_ = cuda.error ().sentence;
  return use_backend ("cpu");
}

/* Returns the error if the CPU cannot take over. */
Result<>
Segmenter::fall_back (const Error &error)
{
  if (settings_.backend != BackendChoice::kAuto || backend_ == "cpu" ||
      info_.memory == Memory::kDevice)
    return error;
  FASTSCNN_TRY (use_backend ("cpu"));
  FASTSCNN_TRY (configure_engine ());
  fell_back_ (*this, error.sentence.c_str ());
  return {};
}

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
Segmenter::configure_engine ()
{
  const ModelInfo &model = model_->model->info ();
  const Shape input = choose_input_size ((int)settings_.infer_width,
      (int)settings_.infer_height, model.input_width, model.input_height,
      info_.width, info_.height);
  Config config;

  config.input_width = input.width;
  config.input_height = input.height;
  config.fused = settings_.fused == Fused::kAuto;
  if (settings_.mask_size == MaskSize::kFrame) {
    config.mask_width = info_.width;
    config.mask_height = info_.height;
  } else if (settings_.mask_size == MaskSize::kNetwork) {
    config.mask_width = input.width;
    config.mask_height = input.height;
  }
  FASTSCNN_TRY (engine_->configure (info_, config));
  FASTSCNN_TRY (zones_.configure (*engine_));
  fused_blocks_ =
      std::make_shared<const std::string> (engine_->fused_blocks ());
  pool_ = std::make_unique<MaskPool> (engine_->mask_width (),
      engine_->mask_height (), allocator_ ? allocator_.get () : pinned_.get ());
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
  const Result<> configured = configure_engine ();
  return configured ? configured : fall_back (configured.error ());
}

Result<SegmentationPtr>
Segmenter::segment (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  const Result<SegmentationPtr> result = try_segment (frame, queue, request);
  if (result)
    return result;
  FASTSCNN_TRY (fall_back (result.error ()));
  return try_segment (frame, queue, request);
}

Result<BufferPtr>
Segmenter::acquire_mask ()
{
  BufferPtr mask = pool_->acquire ();
  if (!mask)
    return Error{ Error::Kind::kEngine,
      "There is no memory for a mask of " +
          std::to_string (engine_->mask_width ()) + "x" +
          std::to_string (engine_->mask_height ()) + " pixels." };
  return mask;
}

Result<SegmentationPtr>
Segmenter::try_segment (
    const ConstFrame &frame, Queue queue, const Request &request)
{
  const GstClockTime begin = gst_util_get_timestamp ();
  auto result = std::make_shared<Segmentation> ();
  result->model = model_;
  result->request = request;
  result->fused_blocks = fused_blocks_;
  result->mask = FASTSCNN_TRY (acquire_mask ());
  if (request.settings.confidence_map)
    result->confidence = FASTSCNN_TRY (acquire_mask ());
  {
    const int flags = allocator_ ? CudaMemory::map_flag () : 0;
    const WriteMapping ids (result->mask.get (), flags);
    std::optional<WriteMapping> confidence;
    Options options;
    Mask mask;
    options.confidence_threshold = (float)request.settings.confidence_threshold;
    options.smoothing = (float)request.settings.smoothing;
    options.sleeps = settings_.async;
    mask.ids = ids.data ();
    mask.stride = engine_->mask_width ();
    mask.counts = zones_.counts ();
    mask.memory = allocator_ ? Memory::kDevice : Memory::kHost;
    if (result->confidence) {
      confidence.emplace (result->confidence.get (), flags);
      mask.confidence = confidence->data ();
      mask.confidence_stride = engine_->mask_width ();
    }
    if (!mask.ids || (confidence && !mask.confidence))
      return Error{ Error::Kind::kEngine,
        "The memory of a mask could not be mapped." };
    FASTSCNN_TRY (engine_->segment (frame, mask, options, queue));
  }
  zones_.add_up (result->counts, result->zone_counts);
  gst_class_mask_set_pixel_counts (result->mask.get (), result->counts);
  result->zones = zones_.table ();
  if (result->zones)
    gst_class_mask_set_zones (
        result->mask.get (), result->zones.get (), result->zone_counts.data ());
  result->inference_time = gst_util_get_timestamp () - begin;
  return result;
}

} // namespace fastscnn
