// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cpu/engine/int8/weights.h"
#include "cpu/engine/weights.h"
#include "cpu/workers.h"
#include "net/backend.h"

namespace fastscnn {

/// Returns kFp32 or kInt8: the wanted precision or, for kAuto, the faster one
/// on this processor that the model supports. An Error if the model does not
/// support the wanted one.
Result<Precision> choose_precision(const Model &model, Precision wanted);

/// The engine on the CPU, of the precision of AnyWeights: Weights or
/// int8::Weights. threads: how many it may use, at least 1; reserve as many in
/// `workers` before.
template <typename AnyWeights>
std::unique_ptr<Engine> make_cpu_engine(
    std::shared_ptr<const AnyWeights> weights, std::shared_ptr<Workers> workers,
    int threads);

}  // namespace fastscnn
