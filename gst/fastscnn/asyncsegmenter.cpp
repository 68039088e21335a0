// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/asyncsegmenter.h"

#include <utility>

namespace fastscnn
{

using Lock = std::unique_lock<std::mutex>;

Sidecar::Sidecar (Segmenter &segmenter, Finished finished)
    : segmenter_ (segmenter), finished_ (std::move (finished))
{
}

Result<std::unique_ptr<Sidecar> >
Sidecar::create (Segmenter &segmenter, Finished finished)
{
  const auto work = [] (gpointer self) -> gpointer {
    static_cast<Sidecar *> (self)->work ();
    return nullptr;
  };
  std::unique_ptr<Sidecar> sidecar (
      new Sidecar (segmenter, std::move (finished)));

  sidecar->thread_ =
      g_thread_try_new ("fastscnn-async", work, sidecar.get (), nullptr);
  if (!sidecar->thread_)
    return Error{ Error::Kind::kDevice,
      "The system allows no thread for async=true." };
  return sidecar;
}

Sidecar::~Sidecar ()
{
  {
    const Lock lock (mutex_);
    stop_ = true;
  }
  changed_.notify_all ();
  if (thread_)
    g_thread_join (thread_);
}

Result<>
Sidecar::configure (const FrameInfo &info)
{
  forget ();
  Lock lock (mutex_);
  changed_.wait (lock, [this] { return !working_; });
  FASTSCNN_TRY (segmenter_.configure (info));
  FASTSCNN_TRY (in_work_.copy.allocate (info));
  return next_.copy.allocate (info);
}

Result<>
Sidecar::give (const ConstFrame &frame, const Request &request)
{
  const Lock lock (mutex_);

  if (failure_)
    return *std::exchange (failure_, std::nullopt);
  next_.copy.assign (frame);
  next_.request = request;
  has_next_ = true;
  changed_.notify_all ();
  return {};
}

SegmentationPtr
Sidecar::newest ()
{
  const Lock lock (mutex_);
  return newest_;
}

void
Sidecar::forget ()
{
  const Lock lock (mutex_);

  newest_.reset ();
  has_next_ = false;
  forget_ = true;
  era_++;
}

void
Sidecar::work ()
{
  Lock lock (mutex_);

  for (;;) {
    changed_.wait (lock, [this] { return has_next_ || stop_; });
    if (stop_)
      return;
    std::swap (in_work_, next_);
    has_next_ = false;
    working_ = true;
    const bool forget = std::exchange (forget_, false);
    const unsigned era = era_;
    lock.unlock ();

    if (forget)
      segmenter_.forget ();
    const Result<SegmentationPtr> mask =
        segmenter_.segment (in_work_.copy.frame (), Queue (), in_work_.request);

    lock.lock ();
    working_ = false;
    changed_.notify_all ();
    if (!mask)
      failure_ = mask.error ();
    if (!mask || era != era_)
      continue;
    newest_ = *mask;
    lock.unlock ();
    finished_ (**mask);
    lock.lock ();
  }
}

} // namespace fastscnn
