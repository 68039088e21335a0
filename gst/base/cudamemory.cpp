// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/cudamemory.h"

#include "gst/base/cudamaskallocator.h"

#ifdef HAVE_GST_CUDA

#include <mutex>

#define GST_USE_UNSTABLE_API
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

namespace fastscnn
{

struct CudaMemory::Impl {
  std::mutex mutex; // of what queries on other threads read while it changes
  GstCudaContext *context = nullptr;
  GstCudaContext *previous = nullptr; // an engine may still have to leave it

  ~Impl ()
  {
    gst_clear_object (&context);
    gst_clear_object (&previous);
  }
};

namespace
{

Queue
queue_of (GstCudaContext *context)
{
  Queue queue;
  queue.context = gst_cuda_context_get_handle (context);
  return queue;
}

/* The stream of a memory; null if there is none, and the contents are there. */
void *
stream_of (GstCudaMemory *memory)
{
#if GST_CHECK_VERSION(1, 24, 0)
  GstCudaStream *stream = gst_cuda_memory_get_stream (memory);
  if (stream)
    return gst_cuda_stream_get_handle (stream);
  gst_cuda_memory_sync (memory);
#endif
  return nullptr;
}

} // namespace

const char *
CudaMemory::caps ()
{
  return "video/x-raw(" GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY
         "), format={ NV12, I420, RGB, BGR, RGBx, BGRx, RGBA, BGRA }";
}

int
CudaMemory::map_flag ()
{
  return (int)GST_MAP_CUDA;
}

bool
CudaMemory::is_in (const GstCaps *caps)
{
  const GstCapsFeatures *features =
      gst_caps_is_empty (caps) ? NULL : gst_caps_get_features (caps, 0);
  return features && gst_caps_features_contains (
                         features, GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY);
}

CudaMemory::CudaMemory () : impl_ (std::make_unique<Impl> ())
{
}

CudaMemory::~CudaMemory () = default;

Result<Queue>
CudaMemory::ensure (GstElement *element, int device_id)
{
  if (!gst_cuda_load_library () ||
      !gst_cuda_ensure_element_context (element, device_id, &impl_->context))
    return Error{ Error::Kind::kDevice, "There is no usable CUDA device." };
  return queue_of (impl_->context);
}

Result<Queue>
CudaMemory::look_at (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) > 0
                          ? gst_buffer_peek_memory (buffer, 0)
                          : nullptr;
  if (!memory || !gst_is_cuda_memory (memory))
    return Error{ Error::Kind::kFormat,
      "The caps promise CUDA memory, but a frame lies elsewhere." };
  GstCudaMemory *cuda = GST_CUDA_MEMORY_CAST (memory);
  if (impl_->context != cuda->context) {
    const std::lock_guard<std::mutex> lock (impl_->mutex);
    gst_clear_object (&impl_->previous);
    impl_->previous = impl_->context;
    impl_->context = (GstCudaContext *)gst_object_ref (cuda->context);
  }
  Queue queue = queue_of (cuda->context);
  queue.stream = stream_of (cuda);
  return queue;
}

GstAllocator *
CudaMemory::make_mask_allocator () const
{
  return impl_->context
             ? gst_cuda_mask_allocator_new (GST_OBJECT_CAST (impl_->context))
             : nullptr;
}

void
CudaMemory::written (GstBuffer *buffer)
{
#if GST_CHECK_VERSION(1, 24, 0)
  /* Whoever reads it on another stream has to wait for this one. */
  GST_MINI_OBJECT_FLAG_SET (
      gst_buffer_peek_memory (buffer, 0), GST_CUDA_MEMORY_TRANSFER_NEED_SYNC);
#endif
}

void
CudaMemory::set_context (
    GstElement *element, GstContext *context, int device_id)
{
  if (gst_cuda_load_library ())
    gst_cuda_handle_set_context (element, context, device_id, &impl_->context);
}

bool
CudaMemory::answer (GstElement *element, GstQuery *query)
{
  GstCudaContext *context = nullptr;

  {
    const std::lock_guard<std::mutex> lock (impl_->mutex);
    if (impl_->context)
      context = (GstCudaContext *)gst_object_ref (impl_->context);
  }
  const bool answered =
      context && gst_cuda_handle_context_query (element, query, context);
  gst_clear_object (&context);
  return answered;
}

} // namespace fastscnn

#else

namespace fastscnn
{

struct CudaMemory::Impl {
};

const char *
CudaMemory::caps ()
{
  return nullptr;
}

int
CudaMemory::map_flag ()
{
  return 0;
}

bool
CudaMemory::is_in (const GstCaps *)
{
  return false;
}

CudaMemory::CudaMemory () = default;
CudaMemory::~CudaMemory () = default;

Result<Queue>
CudaMemory::ensure (GstElement *, int)
{
  return Error{ Error::Kind::kDevice, "This plugin was built without CUDA." };
}

Result<Queue>
CudaMemory::look_at (GstBuffer *)
{
  return ensure (nullptr, -1);
}

GstAllocator *
CudaMemory::make_mask_allocator () const
{
  return nullptr;
}

void
CudaMemory::written (GstBuffer *)
{
}

void
CudaMemory::set_context (GstElement *, GstContext *, int)
{
}

bool
CudaMemory::answer (GstElement *, GstQuery *)
{
  return false;
}

} // namespace fastscnn

#endif
