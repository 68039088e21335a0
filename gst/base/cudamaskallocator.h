/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

/* Memory for masks on a GPU: gst-cuda's own cannot hold GRAY8. Mapped with
 * GST_MAP_CUDA it is device memory; mapped without, a copy in host memory that
 * is made when, and only when, somebody asks for it. What is written by a
 * kernel has to be complete when the mapping ends.
 *
 * cuda_context: a GstCudaContext, which is kept alive. NULL without gst-cuda.
 * (transfer full) */
GstAllocator *gst_cuda_mask_allocator_new (GstObject *cuda_context);

/* Whether it can be mapped with GST_MAP_CUDA, in that CUcontext. */
gboolean gst_is_cuda_mask_memory (GstMemory *memory, gpointer context);
