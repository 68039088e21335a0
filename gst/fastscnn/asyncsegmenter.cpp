// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/asyncsegmenter.h"

#include <utility>

namespace fastscnn
{

using Lock = std::unique_lock<std::mutex>;

AsyncSegmenter::AsyncSegmenter (Segmenter &segmenter, Finished finished)
    : segmenter_ (segmenter), finished_ (std::move (finished))
{
}

Result<std::unique_ptr<AsyncSegmenter> >
AsyncSegmenter::create (Segmenter &segmenter, Finished finished)
{
  const auto run = [] (gpointer self) -> gpointer {
    static_cast<AsyncSegmenter *> (self)->run ();
    return nullptr;
  };
  std::unique_ptr<AsyncSegmenter> self (
      new AsyncSegmenter (segmenter, std::move (finished)));

  self->thread_ =
      g_thread_try_new ("fastscnn-async", run, self.get (), nullptr);
  if (!self->thread_)
    return Error{ Error::Kind::kDevice,
      "The system does not allow another thread for async=true; raise the "
      "limit "
      "of processes." };
  return self;
}

AsyncSegmenter::~AsyncSegmenter ()
{
  {
    const Lock lock (mutex_);
    stop_ = true;
  }
  changed_.notify_all ();
  if (thread_)
    g_thread_join (thread_);
}

/* Call with mutex_ locked. */
Result<>
AsyncSegmenter::take_error ()
{
  if (error_)
    return *std::exchange (error_, std::nullopt);
  return {};
}

Result<>
AsyncSegmenter::submit (
    const FrameInfo &info, const ConstFrame &frame, const Request &request)
{
  const Lock lock (mutex_);

  FASTSCNN_TRY (take_error ());
  has_next_ = false;
  if (next_.info != info) {
    next_.info = FrameInfo ();
    FASTSCNN_TRY (next_.copy.allocate (info));
    next_.info = info;
  }
  next_.copy.assign (frame);
  next_.request = request;
  has_next_ = true;
  changed_.notify_all ();
  return {};
}

Result<>
AsyncSegmenter::wait ()
{
  Lock lock (mutex_);

  changed_.wait (lock, [this] { return !has_next_ && !busy_; });
  return take_error ();
}

void
AsyncSegmenter::drain ()
{
  reset ();
  Lock lock (mutex_);
  changed_.wait (lock, [this] { return !busy_; });
  configured_ = FrameInfo ();
}

SegmentationPtr
AsyncSegmenter::latest ()
{
  const Lock lock (mutex_);
  return latest_;
}

Result<>
AsyncSegmenter::prepare (const FrameInfo &info)
{
  FASTSCNN_TRY (segmenter_.configure (info));
  const Lock lock (mutex_);
  configured_ = info;
  return {};
}

void
AsyncSegmenter::adopt (const SegmentationPtr &mask)
{
  const Lock lock (mutex_);
  latest_ = mask;
}

void
AsyncSegmenter::reset ()
{
  const Lock lock (mutex_);

  latest_.reset ();
  has_next_ = false;
  reset_pending_ = true;
  generation_++;
}

/* Call with mutex_ unlocked. */
Result<SegmentationPtr>
AsyncSegmenter::segment_current (bool reset)
{
  if (current_.info != configured_) {
    configured_ = FrameInfo ();
    FASTSCNN_TRY (segmenter_.configure (current_.info));
    configured_ = current_.info;
  }
  if (reset)
    segmenter_.reset ();
  return segmenter_.segment (
      current_.copy.frame (), Queue (), current_.request);
}

void
AsyncSegmenter::run ()
{
  Lock lock (mutex_);

  for (;;) {
    busy_ = false;
    changed_.notify_all ();
    changed_.wait (lock, [this] { return has_next_ || stop_; });
    if (stop_)
      return;
    std::swap (current_, next_);
    has_next_ = false;
    busy_ = true;
    const bool reset = std::exchange (reset_pending_, false);
    const unsigned generation = generation_;
    lock.unlock ();

    const Result<SegmentationPtr> mask = segment_current (reset);

    lock.lock ();
    if (!mask)
      error_ = mask.error ();
    if (!mask || generation != generation_)
      continue;
    latest_ = *mask;
    lock.unlock ();
    finished_ (**mask);
    lock.lock ();
  }
}

} // namespace fastscnn
