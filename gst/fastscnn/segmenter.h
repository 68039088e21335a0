// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gst/gst.h>

#include "gst/base/frametime.h"
#include "gst/base/frameview.h"
#include "gst/masks/maskpool.h"
#include "gst/fastscnn/modelcache.h"
#include "gst/fastscnn/settings.h"
#include "net/engine.h"

namespace fastscnn
{

/// A frame that is to be looked at, and how.
struct Request {
  Rect part;
  FrameTime time;
  Options options;
  bool with_confidence = false;
};

/// A finished mask, and the frame that it was made from.
struct Segmentation {
  std::shared_ptr<const SharedModel> model;
  BufferPtr mask;
  BufferPtr confidence; // null unless asked for
  Rect part;            // of the frame that the mask covers
  FrameTime time;
  guint64 pixels[256];   // of every value of the mask
  GstClockTime took = 0; // from the frame to the mask
};
using SegmentationPtr = std::shared_ptr<const Segmentation>;

/// An engine and the masks that it writes. With BackendChoice::kAuto, a device
/// that fails is replaced by the CPU. Not thread-safe.
class Segmenter
{
public:
  using FellBack = std::function<void (const Segmenter &, const char *reason)>;

  /// Opens model and engine.
  static Result<std::unique_ptr<Segmenter> > create (
      const Settings &settings, FellBack fell_back);

  /// Frames are of this kind from now on, those of GPU memory in that
  /// CUcontext, and masks of that allocator (nullable; transfer full). Slow.
  Result<> configure (const FrameInfo &info, void *cuda_context = nullptr,
      GstAllocator *allocator = nullptr);

  /// Looks at a frame; returns when the mask can be read.
  Result<SegmentationPtr> segment (
      const ConstFrame &frame, Queue queue, const Request &request);

  /// What comes has nothing to do with what was.
  void
  forget ()
  {
    engine_->reset ();
  }

  const std::string &
  backend () const
  {
    return backend_;
  }
  const std::string &
  device () const
  {
    return device_;
  }
  /// Why it is not the backend that would be preferred; empty if it is.
  const std::string &
  passed_over () const
  {
    return passed_over_;
  }

private:
  Segmenter (const Settings &settings, FellBack fell_back,
      std::shared_ptr<const SharedModel> model);

  Result<> open_engine ();
  Result<> use_backend (const std::string &name);
  Result<> use_context (void *cuda_context);
  Result<> plan ();
  Result<> recover (const Error &error);
  Result<SegmentationPtr> attempt (
      const ConstFrame &frame, Queue queue, const Request &request);

  const Settings settings_;
  const FellBack fell_back_;
  const std::shared_ptr<const SharedModel> model_;
  std::string backend_;
  std::string device_;
  std::string passed_over_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<GstAllocator, void (*) (gpointer)> allocator_{ nullptr,
    gst_object_unref }; // of masks in GPU memory
  std::unique_ptr<MaskPool> pool_;
  FrameInfo info_;
  void *cuda_context_ = nullptr; // that the engine is in; null: its own
};

} // namespace fastscnn
