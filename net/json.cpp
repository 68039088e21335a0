// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/json.h"

#include <set>
#include <vector>

namespace fastscnn {

Result<json> parse_json(const char *text, size_t size,
                        const std::string &what) {
  std::vector<std::set<std::string>> keys;  // of the open objects
  std::string twice;
  // A handler for json::sax_parse() would take longer to compile.
  const auto check = [&](int, json::parse_event_t event, const json &value) {
    if (event == json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == json::parse_event_t::key &&
             !keys.back().insert(value.get<std::string>()).second)
      twice = to_text(value);
    return true;
  };
  json value =
      json::parse(text, text + size, check, /*allow_exceptions=*/false);
  if (value.is_discarded()) return model_error(what + " is not valid JSON");
  if (!twice.empty())
    return model_error(what + " contains the key " + twice + " twice");
  return value;
}

std::string to_text(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fastscnn
