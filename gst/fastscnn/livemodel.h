// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "gst/fastscnn/inference.h"

namespace fastscnn
{

/// The inference of a running stream, whose model can be replaced. Another
/// model is loaded on a separate thread while the stream goes on with the
/// current one.
class LiveModel
{
public:
  /// Opens an inference with the model in this file. Called on both threads.
  using Open = std::function<Result<std::unique_ptr<Inference> > (
      const std::string &file)>;

  /// Reports that a model could not be loaded, so that the one in the file
  /// `kept` stays in use. Called on any thread.
  using Failed = std::function<void (
      const std::string &file, const std::string &kept, const Error &error)>;

  /// Opens the first model.
  static Result<std::shared_ptr<LiveModel> > create (
      const std::string &file, Open open, Failed failed);

  /// Waits for a model that is being loaded.
  ~LiveModel ();
  LiveModel (const LiveModel &) = delete;
  LiveModel &operator= (const LiveModel &) = delete;

  /// Begins to load another file; an earlier one that has not taken over is
  /// discarded. request() and fail() may be called on any thread.
  Result<> request (const std::string &file);

  /// Reports that a file cannot be loaded.
  void fail (const std::string &file, const Error &error);

  /* The functions below are for the streaming thread. */

  Inference &
  inference () const
  {
    return *current_;
  }

  /// Prepares for frames of this kind, as Inference::configure() does.
  Result<> configure (
      const FrameInfo &info, void *cuda_context, GstAllocator *allocator);

  /// Call between two frames. If another model has been loaded, it takes over
  /// now, and its file is returned. The mask of the previous model stays the
  /// latest until the new one has made another.
  std::optional<std::string> take_over ();

private:
  /// The frames and settings that the engine is configured for.
  struct Source {
    FrameInfo info;
    void *cuda_context = nullptr;
    std::shared_ptr<GstAllocator> allocator; // for masks; null: host memory

    bool operator!= (const Source &other) const;
    Result<> configure (Inference &inference) const;
  };
  struct Loaded {
    std::string file;
    std::unique_ptr<Inference> inference;
    Source source;
  };

  LiveModel (const std::string &file, Open open, Failed failed);

  void run ();
  Result<Loaded> load (const std::string &file, const Source &source);
  std::optional<Loaded> take_loaded ();
  void retire (std::unique_ptr<Inference> inference);

  const Open open_;
  const Failed failed_;
  std::unique_ptr<Inference> current_;
  std::atomic<bool> has_loaded_{ false };

  std::mutex mutex_; // guards the members below
  std::condition_variable changed_;
  GThread *thread_ = nullptr; // from the first request on
  std::string file_;          // of current_
  Source source_;             // of current_
  std::optional<std::string> wanted_;
  std::optional<Loaded> loaded_;
  std::unique_ptr<Inference> retired_; // to be destroyed on the thread, so that
                                       // no frame waits for its last inference
  bool stop_ = false;
};

} // namespace fastscnn
