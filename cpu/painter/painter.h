// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>

#include "net/painter.h"

namespace fastscnn {

/// The painter on the CPU: paints frames in host memory, on the calling thread.
std::unique_ptr<Painter> make_cpu_painter();

}  // namespace fastscnn
