// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>

#include "net/error.h"
#include "net/model.h"

namespace fastscnn {

/// Reads the metadata of a model file; models/README.md lists the keys. An
/// Error names the key and its value.
Result<ModelInfo> read_model_info(
    const std::map<std::string, std::string> &metadata);

}  // namespace fastscnn
