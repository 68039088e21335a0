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

/// A thread that looks at frames beside the stream. It keeps a copy of the
/// newest frame that it was given, and looks at that whenever it is done with
/// the one before; what came in between is not looked at. All functions are
/// for the streaming thread, and none of them waits for an inference, except
/// configure() and the destructor.
class Sidecar
{
public:
  using Finished = std::function<void (const Segmentation &)>;

  /// The segmenter is its own until it is destroyed. finished: called by its
  /// thread with each mask.
  static Result<std::unique_ptr<Sidecar> > create (
      Segmenter &segmenter, Finished finished);
  ~Sidecar ();
  Sidecar (const Sidecar &) = delete;
  Sidecar &operator= (const Sidecar &) = delete;

  /// Frames, in host memory, are of this kind from now on; older masks are
  /// forgotten.
  Result<> configure (const FrameInfo &info);

  /// Gives it a frame. An Error is that of a frame before.
  Result<> give (const ConstFrame &frame, const Request &request);

  /// The newest mask; null if there is none yet.
  SegmentationPtr newest ();

  /// What comes has nothing to do with what was.
  void forget ();

private:
  struct Slot {
    FrameCopy copy;
    Request request;
  };

  Sidecar (Segmenter &segmenter, Finished finished);

  void work ();

  Segmenter &segmenter_;
  const Finished finished_;
  Slot in_work_; // of the thread

  std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  Slot next_;
  bool has_next_ = false;
  bool working_ = false;
  bool stop_ = false;
  bool forget_ = false; // before the next frame
  unsigned era_ = 0;    // masks of earlier ones are not wanted
  SegmentationPtr newest_;
  std::optional<Error> failure_;

  GThread *thread_ = nullptr;
};

} // namespace fastscnn
