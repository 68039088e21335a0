// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "net/model.h"

namespace fastscnn {

/// Times the CUDA engine: NV12 frame to mask, both on the device, and both in
/// system memory with what the copies alone take. Prints a table, or one JSON
/// object a line: milliseconds; fps with one frame after the other, and with
/// frames in flight. sizes: (width, height) of frame, network and mask. plans:
/// a file in which chosen plans are kept, or empty.
void bench_cuda(std::shared_ptr<const Model> model,
                const std::vector<std::pair<int, int>> &sizes,
                const std::string &plans, int frames, bool json);

}  // namespace fastscnn
