// SPDX-License-Identifier: LGPL-2.1-or-later
// A stand-in for the CUDA runtime, the driver and cuDNN, linked instead of
// them: memory is the host's, copies are made at once, kernels do nothing. It
// ends the program where a rule of CUDA is broken, and fails where it is told.
#pragma once

#include <string>
#include <vector>

namespace fastscnn::cuda::standin {

enum class Fault {
  kNone,
  kOnce,  ///< one call is short of memory
  kLost,  ///< the device is gone, from that call on
};

/// Forgets the calls so far; the call of this index, from 0, will fail.
void begin(Fault fault, size_t call);

/// Names of the calls since begin().
const std::vector<std::string> &calls();

/// What was made and not destroyed: memory, streams, descriptors...
size_t alive();

}  // namespace fastscnn::cuda::standin
