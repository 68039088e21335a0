/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* An allocator for masks in GPU memory, since gst-cuda's cannot hold GRAY8.
 * Mapping with GST_MAP_CUDA gives the device pointer; a kernel that writes to
 * it must have finished when the mapping ends. Mapping without that flag gives
 * a copy in host memory, downloaded on demand.
 *
 * cuda_context: a GstCudaContext, which the allocator keeps alive. Returns
 * NULL if built without gst-cuda. (transfer full) */
GstAllocator *gst_cuda_mask_allocator_new (GstObject *cuda_context);

/* Whether the memory can be mapped with GST_MAP_CUDA in that CUcontext. */
gboolean gst_is_cuda_mask_memory (GstMemory *memory, gpointer context);
