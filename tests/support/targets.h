// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include <functional>

#include "hwy/targets.h"

namespace fastscnn::testing {

/// Runs test once for every instruction set that the kernels are compiled for
/// and this processor supports.
inline void on_every_target(const std::function<void()> &test) {
  for (int64_t targets = hwy::SupportedTargets() & HWY_TARGETS; targets;
       targets &= targets - 1) {
    const int64_t target = targets & -targets;
    g_test_message("on %s", hwy::TargetName(target));
    hwy::GetChosenTarget().Update(target);
    test();
  }
  hwy::GetChosenTarget().DeInit();
}

}  // namespace fastscnn::testing
