// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "net/engine.h"

namespace fastscnn
{

/// Opens the engine module `name` ("cpu", "cuda"), which then stays loaded.
/// An Error has one line that says why it cannot be used.
Result<Backend *> open_backend (const std::string &name);

} // namespace fastscnn
