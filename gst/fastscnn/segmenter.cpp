// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/segmenter.h"

#include <optional>
#include <utility>

#include <gst/classmask/gstclassmaskpixels.h>

#include "gst/fastscnn/backend.h"

namespace fastscnn
{
namespace
{

using Lock = std::unique_lock<std::mutex>;

/* The pixels of a mask while they are written. */
class WriteMapping
{
public:
  explicit WriteMapping (GstBuffer *buffer) : buffer_ (buffer)
  {
    if (!gst_buffer_map (buffer, &map_, GST_MAP_WRITE))
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

void
count_pixels (Segmentation &result)
{
  GstClassMaskMeta meta = {};
  meta.mask = result.mask.get ();
  gst_class_mask_meta_count_pixels (&meta, result.pixels);
}

} // namespace

Segmenter::Segmenter (const Settings &settings, Callbacks callbacks)
    : settings_ (settings), callbacks_ (std::move (callbacks)),
      model_ (open_model (settings.model_file))
{
  open_engine ();
  if (settings_.async)
    worker_ = std::thread ([this] { work (); });
}

Segmenter::~Segmenter ()
{
  {
    const Lock lock (mutex_);
    stop_ = true;
  }
  changed_.notify_all ();
  if (worker_.joinable ())
    worker_.join ();
}

void
Segmenter::use_backend (const std::string &name)
{
  Device device;
  device.id = settings_.cuda_device_id;
  device.threads = (int)settings_.threads;

  Backend &backend = open_backend (name);
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
  try {
    use_backend ("cuda");
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
  if (settings_.backend != BackendChoice::kAuto || backend_ == "cpu")
    throw;
  use_backend ("cpu");
  plan ();
  callbacks_.fell_back (error.what ());
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
      engine_->mask_width (), engine_->mask_height ());
}

void
Segmenter::configure (const FrameInfo &info)
{
  forget ();
  {
    Lock lock (mutex_);
    changed_.wait (lock, [this] { return !busy_; });
  }
  info_ = info;
  try {
    plan ();
  } catch (const std::exception &error) {
    recover (error);
  }
}

bool
Segmenter::ready ()
{
  const Lock lock (mutex_);
  return !busy_;
}

SegmentationPtr
Segmenter::newest ()
{
  const Lock lock (mutex_);
  return newest_;
}

void
Segmenter::forget ()
{
  const Lock lock (mutex_);

  newest_.reset ();
  era_++;
  stale_ = true;
}

void
Segmenter::segment (const ConstFrame &frame, Queue queue, const Rect &part,
    const FrameTime &time, const Options &options, bool with_confidence)
{
  Job job;
  job.options = options;
  job.queue = queue;
  job.result = std::make_shared<Segmentation> ();
  job.result->model = model_;
  job.result->part = part;
  job.result->time = time;

  auto attempt = [&] {
    {
      const Lock lock (mutex_);
      job.era = era_;
      if (failure_)
        std::rethrow_exception (std::exchange (failure_, nullptr));
    }
    job.result->mask = pool_->acquire ();
    if (with_confidence)
      job.result->confidence = pool_->acquire ();
    start (frame, job);
  };
  try {
    attempt ();
  } catch (const std::exception &error) {
    recover (error);
    attempt ();
  }
}

void
Segmenter::start (const ConstFrame &frame, const Job &job)
{
  const GstClockTime begin = gst_util_get_timestamp ();

  if (std::exchange (stale_, false))
    engine_->reset ();
  engine_->load (frame, job.queue);
  job.result->took = gst_util_get_timestamp () - begin;

  if (!worker_.joinable ()) {
    infer (job);
    publish (job);
    return;
  }
  /* The frame is pushed, and may be overwritten, before the inference ends. */
  if (job.queue.context)
    engine_->wait (job.queue);
  const Lock lock (mutex_);
  job_ = job;
  busy_ = true;
  changed_.notify_all ();
}

void
Segmenter::infer (const Job &job)
{
  const GstClockTime begin = gst_util_get_timestamp ();
  Segmentation &result = *job.result;
  Mask mask;

  const WriteMapping ids (result.mask.get ());
  mask.ids = ids.data ();
  mask.stride = engine_->mask_width ();
  std::optional<WriteMapping> confidence;
  if (result.confidence) {
    confidence.emplace (result.confidence.get ());
    mask.confidence = confidence->data ();
    mask.confidence_stride = engine_->mask_width ();
  }
  engine_->infer (mask, job.options, job.queue);
  /* Masks lie in system memory, and may be read as soon as they are out. */
  engine_->wait (job.queue);
  result.took += gst_util_get_timestamp () - begin;
}

/* Makes the mask the newest, and gives the engine back in the same moment. */
void
Segmenter::publish (const Job &job)
{
  count_pixels (*job.result);

  Lock lock (mutex_);
  busy_ = false;
  changed_.notify_all ();
  if (job.era != era_)
    return;
  newest_ = job.result;
  lock.unlock ();
  callbacks_.finished (*job.result);
}

void
Segmenter::work ()
{
  Lock lock (mutex_);

  for (;;) {
    changed_.wait (lock, [this] { return busy_ || stop_; });
    if (stop_)
      return;
    const Job job = std::move (job_);
    lock.unlock ();
    try {
      infer (job);
      publish (job);
      lock.lock ();
    } catch (...) {
      lock.lock ();
      failure_ = std::current_exception ();
      busy_ = false;
      changed_.notify_all ();
    }
  }
}

} // namespace fastscnn
