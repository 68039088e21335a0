// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include <gst/gst.h>

#include "net/engine.h"

namespace fastscnn
{

/// What an element needs of gst-cuda, in all its versions: the context that it
/// shares with its neighbours, and where frames lie.
class CudaMemory
{
public:
  /// Caps of frames in GPU memory; null if built without gst-cuda.
  static const char *caps ();

  /// Map flag beside which a mapping points to GPU memory.
  static int map_flag ();

  static bool is_in (const GstCaps *caps);

  CudaMemory ();
  ~CudaMemory ();
  CudaMemory (const CudaMemory &) = delete;

  /// The context of the neighbours, or a new one; device_id: -1 for any.
  Result<Queue> ensure (GstElement *element, int device_id);

  /// The context of the buffer, which is kept from now on, and the stream that
  /// its contents are valid on; an Error if it is no such memory.
  Result<Queue> look_at (GstBuffer *buffer);

  /// For masks in the memory of that context; null if there is none. (transfer
  /// full)
  GstAllocator *make_mask_allocator () const;

  /// Work that changes the buffer was queued on its stream.
  void written (GstBuffer *buffer);

  /// For GstElement::set_context.
  void set_context (GstElement *element, GstContext *context, int device_id);

  /// For a context query; false if it is about something else.
  bool answer (GstElement *element, GstQuery *query);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace fastscnn
