// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cuda/context.h"
#include "net/painter.h"

namespace fastscnn::cuda {

/// Paints frames in the memory of context; masks may be there or in host
/// memory. If the Queue has a stream, calls queue the painting on it, and wait
/// for it only if they read a mask in place. Without a stream, the painting is
/// complete when a call returns.
std::unique_ptr<Painter> make_painter(std::shared_ptr<const Context> context);

}  // namespace fastscnn::cuda
