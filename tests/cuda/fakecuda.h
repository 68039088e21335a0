// SPDX-License-Identifier: LGPL-2.1-or-later
// Replaces the CUDA runtime, the driver and cuDNN at link time: device memory
// is host memory, copies are immediate, kernels do nothing. It aborts if a
// caller breaks a rule of CUDA, and injects the faults that a test asks for.
#pragma once

#include <string>
#include <vector>

namespace fastscnn::cuda::fakecuda {

enum class Fault {
  kNone,
  kOnce,  ///< one call runs out of memory
  kLost,  ///< the device is lost, from that call on
};

/// Clears calls(). The call with this index, counted from 0, will fail.
void begin(Fault fault, size_t call);

/// Names of the calls since begin().
const std::vector<std::string> &calls();

/// Number of objects not yet destroyed: memory, streams, descriptors...
size_t alive();

/// Whether a stream has work that nobody waited for.
bool busy();

}  // namespace fastscnn::cuda::fakecuda
