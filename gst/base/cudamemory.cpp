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
  std::mutex mutex; // guards context against queries from other threads
  GstCudaContext *context = nullptr;
  GstCudaContext *previous = nullptr; // kept while an engine may still use it

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

/* The stream on which the contents become valid; null if they are valid now. */
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
CudaMemory::is_in_caps (const GstCaps *caps)
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
CudaMemory::ensure_context (GstElement *element, int device_id)
{
  if (!gst_cuda_load_library () ||
      !gst_cuda_ensure_element_context (element, device_id, &impl_->context))
    return Error{ Error::Kind::kDevice, "There is no usable CUDA device." };
  return queue_of (impl_->context);
}

Result<Queue>
CudaMemory::adopt_context (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) > 0
                          ? gst_buffer_peek_memory (buffer, 0)
                          : nullptr;
  if (!memory || !gst_is_cuda_memory (memory))
    return Error{ Error::Kind::kFormat, "The caps say CUDA memory, but a frame "
                                        "is in other memory; put cudaupload "
                                        "or cudadownload in front." };
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
CudaMemory::mark_written (GstBuffer *buffer)
{
#if GST_CHECK_VERSION(1, 24, 0)
  /* Makes readers on other streams wait for this one. */
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
CudaMemory::answer_query (GstElement *element, GstQuery *query)
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
CudaMemory::is_in_caps (const GstCaps *)
{
  return false;
}

CudaMemory::CudaMemory () = default;
CudaMemory::~CudaMemory () = default;

Result<Queue>
CudaMemory::ensure_context (GstElement *, int)
{
  return Error{ Error::Kind::kDevice, "This plugin was built without CUDA." };
}

Result<Queue>
CudaMemory::adopt_context (GstBuffer *)
{
  return ensure_context (nullptr, -1);
}

GstAllocator *
CudaMemory::make_mask_allocator () const
{
  return nullptr;
}

void
CudaMemory::mark_written (GstBuffer *)
{
}

void
CudaMemory::set_context (GstElement *, GstContext *, int)
{
}

bool
CudaMemory::answer_query (GstElement *, GstQuery *)
{
  return false;
}

} // namespace fastscnn

#endif
