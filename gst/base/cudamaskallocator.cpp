/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/base/cudamaskallocator.h"

#ifdef HAVE_GST_CUDA

#include <mutex>

#define GST_USE_UNSTABLE_API
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/cuda-gst.h>

#define MEMORY_TYPE "FastScnnCudaMask"

G_BEGIN_DECLS
G_DECLARE_FINAL_TYPE (GstCudaMaskAllocator, gst_cuda_mask_allocator, GST,
    CUDA_MASK_ALLOCATOR, GstAllocator)
G_END_DECLS

struct _GstCudaMaskAllocator {
  GstAllocator parent;
  GstCudaContext *context;
};

G_DEFINE_TYPE (
    GstCudaMaskAllocator, gst_cuda_mask_allocator, GST_TYPE_ALLOCATOR)

namespace
{

struct CudaMask {
  GstMemory memory; /* must be the first member */
  GstCudaContext *context;
  CUdeviceptr device;
  guint8 *host; /* NULL until the first mapping for the CPU */
  std::mutex mutex;
  gboolean host_is_stale;
  gboolean device_is_stale;
};

/* Makes a GstCudaContext current on this thread for a scope. */
class Pushed
{
public:
  explicit Pushed (GstCudaContext *context)
      : pushed_ (gst_cuda_context_push (context))
  {
  }
  ~Pushed ()
  {
    if (pushed_)
      gst_cuda_context_pop (NULL);
  }
  Pushed (const Pushed &) = delete;

  explicit operator bool () const
  {
    return pushed_;
  }

private:
  gboolean pushed_;
};

/* Waits for the GPU, because the caller accesses the bytes right away. */
gboolean
copy (CudaMask *mask, gboolean to_host)
{
  const Pushed pushed (mask->context);
  CUDA_MEMCPY2D params = {};

  if (!pushed)
    return FALSE;
  params.srcMemoryType = to_host ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
  params.dstMemoryType = to_host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
  params.srcDevice = params.dstDevice = mask->device;
  params.srcHost = params.dstHost = mask->host;
  params.srcPitch = params.dstPitch = params.WidthInBytes =
      mask->memory.maxsize;
  params.Height = 1;
  return CuMemcpy2D (&params) == CUDA_SUCCESS;
}

gpointer
map (GstMemory *memory, gsize maxsize, GstMapFlags flags)
{
  CudaMask *mask = reinterpret_cast<CudaMask *> (memory);
  const std::lock_guard<std::mutex> lock (mask->mutex);

  if (flags & GST_MAP_CUDA) {
    if ((flags & GST_MAP_READ) && mask->device_is_stale) {
      if (!copy (mask, FALSE))
        return NULL;
      mask->device_is_stale = FALSE;
    }
    if (flags & GST_MAP_WRITE) {
      mask->host_is_stale = TRUE;
      mask->device_is_stale = FALSE;
    }
    return reinterpret_cast<gpointer> (mask->device);
  }
  if (!mask->host)
    mask->host = static_cast<guint8 *> (g_try_malloc (memory->maxsize));
  if (!mask->host)
    return NULL;
  if ((flags & GST_MAP_READ) && mask->host_is_stale) {
    if (!copy (mask, TRUE))
      return NULL;
    mask->host_is_stale = FALSE;
  }
  if (flags & GST_MAP_WRITE) {
    mask->device_is_stale = TRUE;
    mask->host_is_stale = FALSE;
  }
  return mask->host;
}

void
unmap (GstMemory *memory)
{
}

} // namespace

static GstMemory *
gst_cuda_mask_allocator_alloc (
    GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstCudaContext *context = GST_CUDA_MASK_ALLOCATOR (allocator)->context;
  CUdeviceptr device;

  {
    const Pushed pushed (context);
    if (!pushed || CuMemAlloc (&device, size) != CUDA_SUCCESS)
      return NULL;
  }
  CudaMask *mask = new CudaMask ();
  gst_memory_init (GST_MEMORY_CAST (mask), GST_MEMORY_FLAG_NO_SHARE, allocator,
      NULL, size, 0, 0, size);
  mask->context = (GstCudaContext *)gst_object_ref (context);
  mask->device = device;
  mask->host_is_stale = TRUE;
  return GST_MEMORY_CAST (mask);
}

static void
gst_cuda_mask_allocator_free (GstAllocator *allocator, GstMemory *memory)
{
  CudaMask *mask = reinterpret_cast<CudaMask *> (memory);

  {
    const Pushed pushed (mask->context);
    if (pushed)
      CuMemFree (mask->device);
  }
  gst_object_unref (mask->context);
  g_free (mask->host);
  delete mask;
}

static void
gst_cuda_mask_allocator_finalize (GObject *object)
{
  gst_object_unref (GST_CUDA_MASK_ALLOCATOR (object)->context);
  G_OBJECT_CLASS (gst_cuda_mask_allocator_parent_class)->finalize (object);
}

static void
gst_cuda_mask_allocator_class_init (GstCudaMaskAllocatorClass *klass)
{
  GstAllocatorClass *allocator_class = GST_ALLOCATOR_CLASS (klass);

  allocator_class->alloc = gst_cuda_mask_allocator_alloc;
  allocator_class->free = gst_cuda_mask_allocator_free;
  G_OBJECT_CLASS (klass)->finalize = gst_cuda_mask_allocator_finalize;
}

static void
gst_cuda_mask_allocator_init (GstCudaMaskAllocator *self)
{
  GstAllocator *allocator = GST_ALLOCATOR (self);

  allocator->mem_type = MEMORY_TYPE;
  allocator->mem_map = map;
  allocator->mem_unmap = unmap;
  GST_OBJECT_FLAG_SET (self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *
gst_cuda_mask_allocator_new (GstObject *cuda_context)
{
  auto *self = GST_CUDA_MASK_ALLOCATOR (
      g_object_new (gst_cuda_mask_allocator_get_type (), NULL));

  gst_object_ref_sink (self);
  self->context = (GstCudaContext *)gst_object_ref (cuda_context);
  return GST_ALLOCATOR (self);
}

gboolean
gst_is_cuda_mask_memory (GstMemory *memory, gpointer context)
{
  return gst_memory_is_type (memory, MEMORY_TYPE) &&
         gst_cuda_context_get_handle (
             reinterpret_cast<CudaMask *> (memory)->context) == context;
}

#else

GstAllocator *
gst_cuda_mask_allocator_new (GstObject *cuda_context)
{
  return NULL;
}

gboolean
gst_is_cuda_mask_memory (GstMemory *memory, gpointer context)
{
  return FALSE;
}

#endif
