// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/sidecar.h"

#include <utility>

namespace fastscnn
{

using Lock = std::unique_lock<std::mutex>;

Sidecar::Sidecar (
    Segmenter &segmenter, std::function<void (const Segmentation &)> finished)
    : segmenter_ (segmenter), finished_ (std::move (finished)),
      thread_ ([this] { work (); })
{
}

Sidecar::~Sidecar ()
{
  {
    const Lock lock (mutex_);
    stop_ = true;
  }
  changed_.notify_all ();
  thread_.join ();
}

void
Sidecar::configure (const FrameInfo &info)
{
  forget ();
  Lock lock (mutex_);
  changed_.wait (lock, [this] { return !working_; });
  segmenter_.configure (info);
  in_work_.copy.allocate (info);
  next_.copy.allocate (info);
}

void
Sidecar::give (const ConstFrame &frame, const Request &request)
{
  const Lock lock (mutex_);

  if (failure_)
    std::rethrow_exception (std::exchange (failure_, nullptr));
  next_.copy.assign (frame);
  next_.request = request;
  has_next_ = true;
  changed_.notify_all ();
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

    SegmentationPtr mask;
    std::exception_ptr failure;
    try {
      if (forget)
        segmenter_.forget ();
      mask = segmenter_.segment (
          in_work_.copy.frame (), Queue (), in_work_.request);
    } catch (...) {
      failure = std::current_exception ();
    }

    lock.lock ();
    working_ = false;
    changed_.notify_all ();
    if (failure)
      failure_ = failure;
    if (!mask || era != era_)
      continue;
    newest_ = mask;
    lock.unlock ();
    finished_ (*mask);
    lock.lock ();
  }
}

} // namespace fastscnn
