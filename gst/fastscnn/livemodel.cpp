// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/livemodel.h"

#include <utility>

namespace fastscnn
{

using Lock = std::unique_lock<std::mutex>;

bool
LiveModel::Source::operator!= (const Source &other) const
{
  return info != other.info || cuda_context != other.cuda_context;
}

Result<>
LiveModel::Source::configure (Inference &inference) const
{
  GstAllocator *masks = allocator.get ();

  if (info.width == 0) /* no caps yet */
    return {};
  if (masks)
    gst_object_ref (masks);
  return inference.configure (info, cuda_context, masks);
}

LiveModel::LiveModel (const std::string &file, Open open, Failed failed)
    : open_ (std::move (open)), failed_ (std::move (failed)), file_ (file)
{
}

Result<std::shared_ptr<LiveModel> >
LiveModel::create (const std::string &file, Open open, Failed failed)
{
  std::shared_ptr<LiveModel> self (
      new LiveModel (file, std::move (open), std::move (failed)));

  self->current_ = FASTSCNN_TRY (self->open_ (file));
  return self;
}

LiveModel::~LiveModel ()
{
  {
    const Lock lock (mutex_);
    stop_ = true;
  }
  changed_.notify_all ();
  if (thread_)
    g_thread_join (thread_);
}

void
LiveModel::fail (const std::string &file, const Error &error)
{
  std::string kept;
  {
    const Lock lock (mutex_);
    kept = file_;
  }
  failed_ (file, kept, error);
}

Result<>
LiveModel::request (const std::string &file)
{
  const auto run = [] (gpointer self) -> gpointer {
    static_cast<LiveModel *> (self)->run ();
    return nullptr;
  };
  const Lock lock (mutex_);

  if (!thread_)
    thread_ = g_thread_try_new ("fastscnn-model", run, this, nullptr);
  if (!thread_)
    return Error{ Error::Kind::kDevice,
      "The system does not allow another thread to load a model; raise the "
      "limit of processes." };
  wanted_ = file;
  has_loaded_ = false;
  if (loaded_)
    retired_ = std::move (loaded_->inference);
  loaded_.reset ();
  changed_.notify_all ();
  return {};
}

Result<>
LiveModel::configure (
    const FrameInfo &info, void *cuda_context, GstAllocator *allocator)
{
  const auto unref = [] (GstAllocator *masks) {
    if (masks)
      gst_object_unref (masks);
  };
  const Source source{ info, cuda_context, { allocator, unref } };

  {
    const Lock lock (mutex_);
    source_ = source;
  }
  return source.configure (*current_);
}

std::optional<LiveModel::Loaded>
LiveModel::take_loaded ()
{
  if (!has_loaded_)
    return std::nullopt;
  const Lock lock (mutex_);
  has_loaded_ = false;
  return std::exchange (loaded_, std::nullopt);
}

void
LiveModel::retire (std::unique_ptr<Inference> inference)
{
  {
    const Lock lock (mutex_);
    std::swap (retired_, inference);
  }
  changed_.notify_all ();
}

std::optional<std::string>
LiveModel::take_over ()
{
  std::optional<Loaded> loaded = take_loaded ();

  if (!loaded)
    return std::nullopt;
  if (loaded->source != source_) { /* the frames have changed since */
    const Result<> configured = source_.configure (*loaded->inference);
    if (!configured) {
      retire (std::move (loaded->inference));
      fail (loaded->file, configured.error ());
      return std::nullopt;
    }
  }
  loaded->inference->adopt (current_->latest ());
  std::swap (current_, loaded->inference);
  {
    const Lock lock (mutex_);
    file_ = loaded->file;
  }
  retire (std::move (loaded->inference));
  return loaded->file;
}

/* Call with mutex_ unlocked. */
Result<LiveModel::Loaded>
LiveModel::load (const std::string &file, const Source &source)
{
  /* FASTSCNN_TRY in the braces below would leak the members before it. */
  std::unique_ptr<Inference> inference = FASTSCNN_TRY (open_ (file));
  Loaded loaded{ file, std::move (inference), source };
  FASTSCNN_TRY (source.configure (*loaded.inference));
  if (source.info.width > 0)
    FASTSCNN_TRY (loaded.inference->prepare ());
  return loaded;
}

void
LiveModel::run ()
{
  Lock lock (mutex_);

  for (;;) {
    changed_.wait (lock, [this] { return wanted_ || retired_ || stop_; });
    if (stop_)
      return;
    std::unique_ptr<Inference> retired = std::move (retired_);
    const std::optional<std::string> file =
        std::exchange (wanted_, std::nullopt);
    const Source source = source_;
    lock.unlock ();

    retired.reset ();
    Result<Loaded> loaded =
        file ? load (*file, source) : Result<Loaded> (Loaded ());
    if (!loaded)
      fail (*file, loaded.error ());

    lock.lock ();
    if (file && loaded && !wanted_) {
      loaded_ = *std::move (loaded);
      has_loaded_ = true;
    }
  }
}

} // namespace fastscnn
