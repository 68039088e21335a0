// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cuda/context.h"
#include "net/painter.h"

namespace fastscnn::cuda {

/// Paints frames in the memory of a context. Masks may lie there or in host
/// memory. With a Queue without a stream, painting is done when a call
/// returns; else it is queued.
std::unique_ptr<Painter> make_painter(std::shared_ptr<const Context> context);

}  // namespace fastscnn::cuda
