// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "cpu/engine/weights.h"
#include "cpu/workers.h"
#include "net/engine.h"

namespace fastscnn {

/// The engine on the CPU. threads: that it may use, 1 or more; `workers` must
/// have been reserved for as many.
std::unique_ptr<Engine> make_cpu_engine(std::shared_ptr<const Weights> weights,
                                        std::shared_ptr<Workers> workers,
                                        int threads);

}  // namespace fastscnn
