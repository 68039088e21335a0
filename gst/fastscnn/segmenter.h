// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gst/classmask/gstclassmaskmeta.h>

#include "gst/base/frametime.h"
#include "gst/base/frameview.h"
#include "gst/base/memorypinner.h"
#include "gst/fastscnn/modelcache.h"
#include "gst/fastscnn/settings.h"
#include "gst/fastscnn/zones.h"
#include "gst/masks/maskpool.h"
#include "net/engine.h"

namespace fastscnn
{

/// A frame to segment, and how.
struct Request {
  Rect part;  /* the visible part of the frame, which is segmented */
  Rect whole; /* the size of the frame without its crop */
  FrameTime time;
  Settings::PerFrame settings;
};

/// A finished mask, and the request that it answers.
struct Segmentation {
  std::shared_ptr<const SharedModel> model;
  BufferPtr mask;
  BufferPtr confidence; // null unless requested
  Request request;
  guint64 counts[256];                      // pixels of each id
  std::shared_ptr<GstClassMaskZones> zones; // null if there are none
  std::vector<guint64> zone_counts;         // (zones, 256), likewise
  GstClockTime inference_time = 0;
  std::shared_ptr<const std::string> fused_blocks; // Engine::fused_blocks()

  /// The place of the mask on a frame with this visible part and size: the one
  /// for which it was made, or the whole visible part if the size differs.
  Rect
  place_on (const Rect &part, const Rect &whole) const
  {
    return whole == request.whole ? request.part : part;
  }

  /// Attaches mask and summary, at this place, to a frame that is `age` younger
  /// than the segmented one. source: the name of the element.
  GstClassMaskMeta *attach (GstBuffer *buffer, const Rect &place,
      GstClockTime age, GQuark source) const;
};
using SegmentationPtr = std::shared_ptr<const Segmentation>;

/// An engine and the masks that it writes. With BackendChoice::kAuto, the CPU
/// replaces a GPU that fails. Not thread-safe.
class Segmenter
{
public:
  using FellBack = std::function<void (const Segmenter &, const char *reason)>;

  /// Opens the model and an engine. fell_back: called after the CPU has
  /// replaced the GPU.
  static Result<std::unique_ptr<Segmenter> > create (
      const Settings &settings, FellBack fell_back);

  /// Prepares for frames of this kind; slow. cuda_context: the CUcontext of
  /// frames in GPU memory. allocator: (nullable) (transfer full) for masks in
  /// GPU memory.
  Result<> configure (const FrameInfo &info, void *cuda_context = nullptr,
      GstAllocator *allocator = nullptr);

  /// Segments a frame; returns when the mask is complete.
  Result<SegmentationPtr> segment (
      const ConstFrame &frame, Queue queue, const Request &request);

  /// Drops temporal state (seek, new stream).
  void
  reset ()
  {
    engine_->reset ();
  }

  /// Call with each frame that segment() is about to read. Pins memory that is
  /// reused, so that a GPU reads it without a copy by the CPU.
  void
  see (GstBuffer *frame) const
  {
    if (pinner_)
      pinner_->see (frame);
  }

  /// An allocator of host memory from which the engine reads frames without a
  /// copy by the CPU; null if the engine does not need one.
  GstAllocator *
  frame_allocator () const
  {
    return pinned_.get ();
  }

  const Model &
  model () const
  {
    return *model_->model;
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
  /// Why a preferred backend is not used; empty if it is.
  const std::string &
  rejected_backend () const
  {
    return rejected_backend_;
  }

private:
  Segmenter (const Settings &settings, FellBack fell_back,
      std::shared_ptr<const SharedModel> model, Zones zones);

  Result<> open_engine ();
  Result<> use_backend (const std::string &name);
  Result<> use_context (void *cuda_context);
  Result<> configure_engine ();
  Result<> fall_back (const Error &error);
  Result<BufferPtr> acquire_mask ();
  Result<SegmentationPtr> try_segment (
      const ConstFrame &frame, Queue queue, const Request &request);

  const Settings settings_;
  const FellBack fell_back_;
  const std::shared_ptr<const SharedModel> model_;
  Zones zones_;
  std::string backend_;
  std::string device_;
  std::string rejected_backend_;
  std::unique_ptr<Engine> engine_;
  using Allocator = std::unique_ptr<GstAllocator, void (*) (gpointer)>;
  Allocator allocator_{ nullptr, gst_object_unref }; // null for host memory
  Allocator pinned_{ nullptr, gst_object_unref };    // of host memory; nullable
  std::optional<MemoryPinner> pinner_;               // for a GPU
  std::unique_ptr<MaskPool> pool_;
  std::shared_ptr<const std::string> fused_blocks_; // of the engine
  FrameInfo info_;
  void *cuda_context_ = nullptr; // of the engine; null: it has its own
};

} // namespace fastscnn
