// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/model.h"

namespace fastscnn {

/// Times the CUDA engine from NV12 frame to mask: with both on the device, and
/// with both in system memory, where it also times the copies alone. Prints a
/// table, or one JSON object per line. sizes: (width, height) of frame, network
/// and mask. plans: the file of the plan cache, or empty.
void bench_cuda(std::shared_ptr<const Model> model,
                const std::vector<std::pair<int, int>> &sizes,
                const std::string &plans, int frames, bool json);

/// Segments a frame (RGB) and writes the ids of its mask. Returns the
/// milliseconds from frame to mask.
using Segment = std::function<double(const uint8_t *rgb, uint8_t *ids)>;

/// Returns a Segment of the CUDA engine. Frame and mask are on the device: the
/// copies there and back are not timed.
Segment serve_cuda(std::shared_ptr<const Model> model, int width, int height,
                   const std::string &plans);

}  // namespace fastscnn
