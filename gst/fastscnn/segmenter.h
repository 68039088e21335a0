// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <gst/gst.h>

#include "gst/fastscnn/frametime.h"
#include "gst/fastscnn/frameview.h"
#include "gst/fastscnn/maskpool.h"
#include "gst/fastscnn/modelcache.h"
#include "gst/fastscnn/settings.h"
#include "net/engine.h"

namespace fastscnn
{

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

/// An engine, the masks that it writes, and, if it is to run beside the stream,
/// a thread for it. All functions are for the streaming thread; they throw what
/// the engine throws, on whichever thread it did. With BackendChoice::kAuto, a
/// device that fails is replaced by the CPU instead.
class Segmenter
{
public:
  struct Callbacks {
    /// A mask is finished. On the thread that made it.
    std::function<void (const Segmentation &)> finished;
    /// From now on the CPU is used; why.
    std::function<void (const std::string &)> fell_back;
  };

  /// Opens model and engine. Throws Error.
  Segmenter (const Settings &settings, Callbacks callbacks);

  /// Waits for an inference that is under way.
  ~Segmenter ();
  Segmenter (const Segmenter &) = delete;
  Segmenter &operator= (const Segmenter &) = delete;

  /// Frames are of this kind from now on; older masks are forgotten.
  void configure (const FrameInfo &info);

  /// False while an inference beside the stream is under way.
  bool ready ();

  /// Looks at a frame; only when ready. Returns when the mask is the newest,
  /// or, beside the stream, as soon as the frame is no longer needed.
  void segment (const ConstFrame &frame, Queue queue, const Rect &part,
      const FrameTime &time, const Options &options, bool with_confidence);

  /// Null if there is none yet.
  SegmentationPtr newest ();

  /// What comes has nothing to do with what was.
  void forget ();

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
  struct Job {
    std::shared_ptr<Segmentation> result;
    Options options;
    Queue queue;
    unsigned era = 0;
  };

  void open_engine ();
  void use_backend (const std::string &name);
  void plan ();
  void recover (const std::exception &error);
  void start (const ConstFrame &frame, const Job &job);
  void infer (const Job &job);
  void publish (const Job &job);
  void work ();

  const Settings settings_;
  const Callbacks callbacks_;
  const std::shared_ptr<const SharedModel> model_;
  std::string backend_;
  std::string device_;
  std::string passed_over_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<MaskPool> pool_;
  FrameInfo info_;
  bool stale_ = false; // the engine remembers what is to be forgotten

  std::thread worker_;
  std::mutex mutex_; // guards what follows
  std::condition_variable changed_;
  Job job_;
  bool busy_ = false; // the worker has job_, and the engine
  bool stop_ = false;
  std::exception_ptr failure_; // of the worker
  SegmentationPtr newest_;
  unsigned era_ = 0; // masks of earlier ones are not wanted
};

} // namespace fastscnn
