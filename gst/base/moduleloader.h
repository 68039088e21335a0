// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "net/backend.h"

namespace fastscnn
{

/// Opens the module of a backend ("cpu", "cuda") and keeps it loaded for the
/// rest of the process. On failure, the Error says in one sentence why the
/// module cannot be used.
Result<Backend *> open_backend (const std::string &name);

} // namespace fastscnn
