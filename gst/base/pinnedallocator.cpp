/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/base/pinnedallocator.h"

#include <memory>
#include <utility>

#include <gst/video/video.h>

#define MEMORY_TYPE "FastScnnPinned"

using namespace fastscnn;

G_BEGIN_DECLS
G_DECLARE_FINAL_TYPE (GstPinnedAllocator, gst_pinned_allocator, GST,
    PINNED_ALLOCATOR, GstAllocator)
G_END_DECLS

struct _GstPinnedAllocator {
  GstAllocator parent;
  Backend *backend;
  Device device;
};

G_DEFINE_TYPE (GstPinnedAllocator, gst_pinned_allocator, GST_TYPE_ALLOCATOR)

static void
drop_reference (gpointer memory)
{
  delete static_cast<std::shared_ptr<void> *> (memory);
}

/* The memory is GStreamer's own kind, which can be shared and copied. */
static GstMemory *
gst_pinned_allocator_alloc (
    GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  GstPinnedAllocator *self = GST_PINNED_ALLOCATOR (allocator);
  const gsize whole = params->prefix + size + params->padding;
  std::shared_ptr<void> memory =
      self->backend->allocate_host_memory (self->device, whole);
  const auto address = (guintptr)memory.get () + params->prefix;

  if (!memory || (address & params->align) != 0) {
    GST_DEBUG_OBJECT (
        self, "%" G_GSIZE_FORMAT " bytes of ordinary memory instead", size);
    return gst_allocator_alloc (NULL, size, params);
  }
  gpointer data = memory.get ();
  return gst_memory_new_wrapped (params->flags, data, whole, params->prefix,
      size, new std::shared_ptr<void> (std::move (memory)), drop_reference);
}

static void
gst_pinned_allocator_class_init (GstPinnedAllocatorClass *klass)
{
  GST_ALLOCATOR_CLASS (klass)->alloc = gst_pinned_allocator_alloc;
}

static void
gst_pinned_allocator_init (GstPinnedAllocator *self)
{
  GST_ALLOCATOR (self)->mem_type = MEMORY_TYPE;
  GST_OBJECT_FLAG_SET (self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *
gst_pinned_allocator_new (Backend *backend, const Device &device)
{
  auto *self = GST_PINNED_ALLOCATOR (
      g_object_new (gst_pinned_allocator_get_type (), NULL));

  gst_object_ref_sink (self);
  self->backend = backend;
  self->device = device;
  return GST_ALLOCATOR (self);
}

void
gst_query_offer_pinned_pool (GstQuery *query, GstAllocator *allocator)
{
  GstAllocationParams params;
  GstAllocator *other = NULL;
  const gboolean has_params = gst_query_get_n_allocation_params (query) > 0;
  GstVideoInfo info;
  GstCaps *caps;

  gst_allocation_params_init (&params);
  if (has_params)
    gst_query_parse_nth_allocation_param (query, 0, &other, &params);
  gst_query_parse_allocation (query, &caps, NULL);
  if (other || gst_query_get_n_allocation_pools (query) > 0 || !caps ||
      !gst_video_info_from_caps (&info, caps)) {
    gst_clear_object (&other);
    return;
  }
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (
      config, caps, GST_VIDEO_INFO_SIZE (&info), 0, 0);
  gst_buffer_pool_config_set_allocator (config, allocator, &params);
  if (gst_buffer_pool_set_config (pool, config)) {
    gst_query_add_allocation_pool (
        query, pool, GST_VIDEO_INFO_SIZE (&info), 0, 0);
    if (has_params)
      gst_query_set_nth_allocation_param (query, 0, allocator, &params);
    else
      gst_query_add_allocation_param (query, allocator, &params);
  }
  gst_object_unref (pool);
}
