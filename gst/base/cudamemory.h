// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

#include "net/engine.h"

namespace fastscnn
{

/// Wraps all that an element needs from any version of gst-cuda: the CUDA
/// context that it shares with its neighbours, and access to frames in GPU
/// memory.
class CudaMemory
{
public:
  /// Caps of frames in GPU memory; null if built without gst-cuda.
  static const char *caps ();

  /// The map flag that makes a mapping point to GPU memory.
  static int map_flag ();

  /// Whether frames of these caps are in GPU memory.
  static bool is_in_caps (const GstCaps *caps);

  CudaMemory ();
  ~CudaMemory ();
  CudaMemory (const CudaMemory &) = delete;

  /// Takes the neighbours' context or creates one; device_id: -1 for any.
  Result<Queue> ensure_context (GstElement *element, int device_id);

  /// Switches to the context of the buffer. Returns it with the stream on
  /// which the contents are valid; an Error if the buffer is not in GPU memory.
  Result<Queue> adopt_context (GstBuffer *buffer);

  /// An allocator for masks in the memory of the current context; null without
  /// a context. (transfer full)
  GstAllocator *make_mask_allocator () const;

  /// Call after queuing work that changes the buffer on its stream.
  void mark_written (GstBuffer *buffer);

  /// For GstElement::set_context.
  void set_context (GstElement *element, GstContext *context, int device_id);

  /// Answers a context query; false if it asks for another kind of context.
  bool answer_query (GstElement *element, GstQuery *query);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace fastscnn
