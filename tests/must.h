// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <glib.h>

#include "net/error.h"

namespace fastscnn {

/// The value of a Result; without one, the test has failed.
template <typename T>
T must(Result<T> result) {
  if (!result) g_error("%s", result.error().what());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace fastscnn
