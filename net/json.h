// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "net/error.h"

namespace fastscnn {

using nlohmann::json;

/// Parses the JSON of a model file; `what` names the text in messages. Refuses
/// duplicate keys: the library would silently keep the last one.
Result<json> parse_json(const char *text, size_t size, const std::string &what);

/// The text of a value for messages, on one line and valid UTF-8.
std::string to_text(const json &value);

}  // namespace fastscnn
