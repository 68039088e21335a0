// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cuda/context.h"
#include "cuda/executorpool.h"
#include "cuda/engine/plancache.h"
#include "cuda/engine/weights.h"
#include "net/engine.h"

namespace fastscnn::cuda {

/// cuDNN's version: 91900 means 9.19.0. An Error if it is not installed.
Result<size_t> cudnn_version();

/// Creates an engine in context, which must be that of weights, and of all
/// engines that share the pool. T is __half or float. Frames and masks in
/// device memory are used in place; they and the Queue must belong to context.
template <typename T>
std::unique_ptr<Engine> make_engine(std::shared_ptr<const Context> context,
                                    std::shared_ptr<ExecutorPool> pool,
                                    std::shared_ptr<const Weights<T>> weights,
                                    std::shared_ptr<PlanCache> cache,
                                    PlanCache::Warn warn);

}  // namespace fastscnn::cuda
