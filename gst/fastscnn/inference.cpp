// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/fastscnn/inference.h"

#include <utility>

namespace fastscnn
{

Inference::Inference (AsyncSegmenter::Finished finished)
    : finished_ (std::move (finished))
{
}

Result<std::unique_ptr<Inference> >
Inference::create (const Settings &settings, Segmenter::FellBack fell_back,
    AsyncSegmenter::Finished finished)
{
  std::unique_ptr<Inference> self (new Inference (std::move (finished)));

  self->segmenter_ =
      FASTSCNN_TRY (Segmenter::create (settings, std::move (fell_back)));
  if (settings.async) {
    self->async_ = FASTSCNN_TRY (
        AsyncSegmenter::create (*self->segmenter_, self->finished_));
    self->synchronous_ = false;
  }
  return self;
}

Result<>
Inference::configure (
    const FrameInfo &info, void *cuda_context, GstAllocator *allocator)
{
  /* On a GPU inference is quicker than the copy: run synchronously. */
  const bool synchronous = !async_ || info.memory == Memory::kDevice;

  if (info.memory != info_.memory || cuda_context != cuda_context_)
    last_.reset ();
  if (async_ && synchronous != synchronous_)
    async_->drain ();
  info_ = info;
  new_kind_ = true;
  cuda_context_ = cuda_context;
  synchronous_ = synchronous;
  if (synchronous)
    return segmenter_->configure (info, cuda_context, allocator);
  return {};
}

Result<>
Inference::prepare ()
{
  return synchronous_ ? Result<> () : async_->prepare (info_);
}

bool
Inference::should_wait () const
{
  return !synchronous_ && ((new_kind_ && !new_kind_before_) || !latest ());
}

Result<bool>
Inference::infer (
    const ConstFrame &frame, Queue queue, const Request &request, bool wait)
{
  new_kind_before_ = std::exchange (new_kind_, false);
  if (!synchronous_) {
    FASTSCNN_TRY (async_->submit (info_, frame, request));
    if (wait)
      FASTSCNN_TRY (async_->wait ());
    return wait;
  }
  last_ = FASTSCNN_TRY (segmenter_->segment (frame, queue, request));
  finished_ (*last_);
  return true;
}

void
Inference::adopt (const SegmentationPtr &mask)
{
  if (synchronous_)
    last_ = mask;
  else
    async_->adopt (mask);
}

void
Inference::reset ()
{
  last_.reset ();
  if (synchronous_)
    segmenter_->reset ();
  else
    async_->reset ();
}

} // namespace fastscnn
