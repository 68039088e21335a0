// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cuda/context.h"
#include "cuda/engine/plancache.h"
#include "cuda/engine/weights.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// An engine on the context of the weights. T is __half, or float for
/// comparison. Frames and masks of device memory are used in place; they and
/// the Queue must belong to that context.
template <typename T>
std::unique_ptr<Engine> make_engine(std::shared_ptr<const Context> context,
                                    std::shared_ptr<const Weights<T>> weights,
                                    std::shared_ptr<PlanCache> cache,
                                    PlanCache::Warn warn);

}  // namespace fastscnn::cuda
