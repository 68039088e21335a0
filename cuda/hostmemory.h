// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <memory>

#include "cuda/context.h"

namespace fastscnn::cuda {

/// Pinned memory that keeps its context alive, without which it would be gone.
/// May be released on any thread.
Result<std::shared_ptr<void>> allocate_host_memory(
    std::shared_ptr<const Context> context, size_t bytes);

}  // namespace fastscnn::cuda
