// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cpu/engine/int8/weights.h"
#include "cpu/engine/weights.h"
#include "cpu/workers.h"
#include "net/backend.h"

namespace fastscnn {

/// The precision of an engine that this processor should use for a model: kFp32
/// or kInt8. An Error if the model does not have the wanted one.
Result<Precision> choose_precision(const Model &model, Precision wanted);

/// The engine on the CPU, of the precision of AnyWeights: Weights or
/// int8::Weights. threads: that it may use, 1 or more; `workers` must have been
/// reserved for as many.
template <typename AnyWeights>
std::unique_ptr<Engine> make_cpu_engine(
    std::shared_ptr<const AnyWeights> weights, std::shared_ptr<Workers> workers,
    int threads);

}  // namespace fastscnn
