// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "gst/fastscnn/asyncsegmenter.h"
#include "gst/fastscnn/segmenter.h"

namespace fastscnn
{

/// Makes the masks of a stream. Frames wait for their own, or get the newest
/// one of an AsyncSegmenter. All functions are for the streaming thread.
class Inference
{
public:
  /// finished: called with every mask, on the thread that made it.
  static Result<std::unique_ptr<Inference> > create (const Settings &settings,
      Segmenter::FellBack fell_back, AsyncSegmenter::Finished finished);

  /// Prepares for frames of this kind, as Segmenter::configure() does. The
  /// latest mask is kept unless the memory or the CUDA context changes.
  Result<> configure (
      const FrameInfo &info, void *cuda_context, GstAllocator *allocator);

  /// With async=true, configures the segmenter now instead of with the first
  /// frame, so that its errors show up before. Call after configure(), before
  /// any frame.
  Result<> prepare ();

  /// Whether frames of this kind have not been inferred yet.
  bool
  is_new_kind () const
  {
    return new_kind_;
  }

  /// Whether the next frame should wait for its mask in spite of async=true if
  /// the source is not live: there is no mask yet, or the kind is new. Without
  /// a mask, elements downstream may output nothing, so that the pipeline could
  /// not preroll. Frames do not wait if the kind changes with every frame.
  bool should_wait () const;

  /// Segments the frame, or submits it to the AsyncSegmenter; wait: also waits
  /// for its mask. Returns whether the latest mask is now that of this frame.
  Result<bool> infer (
      const ConstFrame &frame, Queue queue, const Request &request, bool wait);

  /// The newest mask; null if there is none yet.
  SegmentationPtr
  latest () const
  {
    return synchronous_ ? last_ : async_->latest ();
  }

  /// Makes a mask of another inference the latest, until this one has made its
  /// own.
  void adopt (const SegmentationPtr &mask);

  /// Whether frames wait for their own masks.
  bool
  synchronous () const
  {
    return synchronous_;
  }

  /// Drops masks and temporal state (seek, new stream).
  void reset ();

  const Segmenter &
  segmenter () const
  {
    return *segmenter_;
  }

private:
  explicit Inference (AsyncSegmenter::Finished finished);

  const AsyncSegmenter::Finished finished_;
  std::unique_ptr<Segmenter> segmenter_;
  std::unique_ptr<AsyncSegmenter> async_; // null unless async=true
  bool synchronous_ = true;
  SegmentationPtr last_; // if synchronous
  bool new_kind_ = true;
  bool new_kind_before_ = false; // at the last inference
  FrameInfo info_;
  void *cuda_context_ = nullptr;
};

} // namespace fastscnn
