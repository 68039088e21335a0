// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "gst/fastscnn/asyncsegmenter.h"
#include "gst/fastscnn/segmenter.h"

namespace fastscnn
{

/// The masks of a stream. Frames wait for their own, or get the newest one that
/// an AsyncSegmenter has made. All functions are for the streaming thread.
class Inference
{
public:
  /// finished: called with every mask, on the thread that made it.
  static Result<std::unique_ptr<Inference> > create (const Settings &settings,
      Segmenter::FellBack fell_back, AsyncSegmenter::Finished finished);

  /// Prepares for frames of this kind, as Segmenter::configure() does. A mask
  /// of frames of another kind in the same memory stays the latest.
  Result<> configure (
      const FrameInfo &info, void *cuda_context, GstAllocator *allocator);

  /// Does at once what the first frame would begin with, so that an inference
  /// that cannot work is found out before. Call after configure(), before any
  /// frame.
  Result<> prepare ();

  /// Whether frames of this kind have not been inferred yet.
  bool
  is_new_kind () const
  {
    return new_kind_;
  }

  /// Whether the next frame should wait for its mask in spite of async=true if
  /// the source is not live: there is no mask yet, or the kind is new. If
  /// nothing came out of an element behind until there is a mask, a pipeline
  /// would wait for it to preroll. Kinds that change with every frame do not
  /// wait.
  bool should_wait () const;

  /// Segments the frame, or submits it for that. wait: wait for the mask in any
  /// case. Returns whether the latest mask is now that of this frame.
  Result<bool> infer (
      const ConstFrame &frame, Queue queue, const Request &request, bool wait);

  /// The newest mask; null if there is none yet.
  SegmentationPtr
  latest () const
  {
    return synchronous_ ? last_ : async_->latest ();
  }

  /// Makes a mask of another inference the latest, until there is one of its
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
  bool new_kind_before_ = false; // of the last inference
  FrameInfo info_;
  void *cuda_context_ = nullptr;
};

} // namespace fastscnn
