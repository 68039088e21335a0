// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include "tests/cuda/simt.h"

namespace fastscnn::cuda::emulator {

namespace detail {
struct Launch {
  void (*body)(const void *kernel, void *shared);
  const void *kernel;
  size_t shared_bytes;
  int threads, cluster, grid_x, grid_y;
};
Counts run(const Launch &launch, const Options &options);
}  // namespace detail

template <class Kernel>
Counts clusters(const Kernel &kernel, const Options &options) {
  using Shared = typename Kernel::Shared;
  detail::Launch launch = {};
  launch.body = [](const void *kernel, void *shared) {
    (*static_cast<const Kernel *>(kernel))(*static_cast<Shared *>(shared));
  };
  launch.kernel = &kernel;
  launch.shared_bytes = sizeof(Shared);
  launch.threads = Kernel::kThreads;
  launch.cluster = Kernel::kCluster;
  launch.grid_x = kernel.grid_x();
  launch.grid_y = kernel.grid_y();
  return detail::run(launch, options);
}

}  // namespace fastscnn::cuda::emulator
