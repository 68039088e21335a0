// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "cuda/context.h"

namespace fastscnn::cuda {

// The results keep their context alive, since they would be freed with it, and
// may be released on any thread.

/// Pinned memory.
Result<std::shared_ptr<void>> allocate_host_memory(
    std::shared_ptr<const Context> context, size_t bytes);

/// Pins the caller's memory until the result is released. Null if it is pinned
/// already.
Result<std::shared_ptr<void>> register_host_memory(
    std::shared_ptr<const Context> context, void *memory, size_t bytes);

}  // namespace fastscnn::cuda
