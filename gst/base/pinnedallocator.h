/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#include "net/backend.h"

/* An allocator of host memory that the GPU of a backend accesses without a copy
 * by the CPU. If there is none, or no more, it allocates ordinary memory.
 * The memory outlives the allocator and the engines. (transfer full) */
GstAllocator *gst_pinned_allocator_new (
    fastscnn::Backend *backend, const fastscnn::Device &device);

/* Adds a pool of such memory to the answer to an ALLOCATION query, unless it
 * names a pool or an allocator already. */
void gst_query_offer_pinned_pool (GstQuery *query, GstAllocator *allocator);
