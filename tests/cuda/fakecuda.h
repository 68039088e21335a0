// SPDX-License-Identifier: LGPL-2.1-or-later
// Replaces the CUDA runtime, the driver and cuDNN at link time: device memory
// is host memory, copies are immediate, kernels do nothing. It aborts if a
// caller breaks a rule of CUDA, and injects the faults that a test asks for.
// Several threads may call CUDA at the same time, but only one at a time may
// call the functions below.
#pragma once

#include <functional>
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

/// Name of the first call that failed since the latest begin() with a fault;
/// empty if none did.
const std::string &failed();

/// Number of kernels since begin() that may start before the previous one ends.
size_t early_launches();

/// Number of objects not yet destroyed: memory, streams, descriptors...
size_t alive();

/// The largest number of objects of a kind alive at a time since begin():
/// "cudnn", "device", "pinned"...
size_t most(const char *kind);

/// updated: called with each kernel that gives new parameters to a node of a
/// graph; null: nothing is called.
void watch_updates(std::function<void(const void *)> updated);

/// Whether a stream has work that no call has waited for.
bool busy();

}  // namespace fastscnn::cuda::fakecuda
