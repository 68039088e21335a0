// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "gst/base/framecopy.h"
#include "gst/fastscnn/segmenter.h"

namespace fastscnn
{

/// Segments frames on its own thread, in parallel to the stream. It copies the
/// newest frame and segments it as soon as the previous inference is done;
/// frames in between are skipped. All functions are for the streaming thread.
/// Only wait(), drain() and the destructor wait for an inference.
class AsyncSegmenter
{
public:
  using Finished = std::function<void (const Segmentation &)>;

  /// Uses the segmenter exclusively until it is destroyed. finished: called on
  /// its thread with every mask.
  static Result<std::unique_ptr<AsyncSegmenter> > create (
      Segmenter &segmenter, Finished finished);
  ~AsyncSegmenter ();
  AsyncSegmenter (const AsyncSegmenter &) = delete;
  AsyncSegmenter &operator= (const AsyncSegmenter &) = delete;

  /// Submits a frame of this kind, in host memory, replacing one that still
  /// waits. A change of kind does not wait either: the other thread configures
  /// the segmenter. An Error is that of an earlier frame, or says that there is
  /// no memory for the copy.
  Result<> submit (
      const FrameInfo &info, const ConstFrame &frame, const Request &request);

  /// Waits until all submitted frames are segmented.
  Result<> wait ();

  /// Drops everything like reset(), and waits for the running inference. After
  /// that the segmenter may be used without this object until the next
  /// submit().
  void drain ();

  /// The newest mask; null if there is none yet.
  SegmentationPtr latest ();

  /// Configures the segmenter now, so that the first frame of this kind does
  /// not have to. Do not call while a frame is being segmented.
  Result<> prepare (const FrameInfo &info);

  /// Makes this mask, of another inference, the latest.
  void adopt (const SegmentationPtr &mask);

  /// Drops masks, waiting frames and temporal state (seek, new stream).
  void reset ();

private:
  struct Slot {
    FrameInfo info;
    FrameCopy copy;
    Request request;
  };

  AsyncSegmenter (Segmenter &segmenter, Finished finished);

  void run ();
  Result<> take_error ();
  Result<SegmentationPtr> segment_current (bool reset);

  Segmenter &segmenter_;
  const Finished finished_;
  Slot current_;         // used by the thread
  FrameInfo configured_; // of the segmenter; used by the thread while busy_

  std::mutex mutex_; // guards all members below, except thread_
  std::condition_variable changed_;
  Slot next_;
  bool has_next_ = false;
  bool busy_ = false;
  bool stop_ = false;
  bool reset_pending_ = false;
  unsigned generation_ = 0; // counts resets: masks of older ones are dropped
  SegmentationPtr latest_;
  std::optional<Error> error_;

  GThread *thread_ = nullptr;
};

} // namespace fastscnn
