// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/json.h"

#include <nlohmann/json.hpp>
#include <set>

#include "net/error.h"

namespace fastscnn {
namespace {

using nlohmann::json;

constexpr size_t kMaxDimensions = 8;

[[noreturn]] void refuse(const std::string &what) {
  throw Error(Error::Kind::kModel, what);
}

std::string in_json(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Refuses what a parser would accept in silence: of a name that stands twice
/// the last wins.
class Strict {
 public:
  bool operator()(int, json::parse_event_t event, json &parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        names_.emplace_back();
        break;
      case json::parse_event_t::object_end:
        names_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!names_.back().insert(parsed.get<std::string>()).second)
          refuse(in_json(parsed) + " is there twice");
        break;
      default:
        break;
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> names_;  // of the objects that are open
};

json parse(const char *text, size_t size, const std::string &what) {
  try {
    // By reference: the parser copies its callback.
    Strict strict;
    return json::parse(
        text, text + size,
        [&strict](int depth, json::parse_event_t event, json &parsed) {
          return strict(depth, event, parsed);
        });
  } catch (const json::exception &e) {
    refuse(what + " is not JSON: " + e.what());
  }
}

const json &member(const json &object, const char *key,
                   const std::string &what) {
  auto it = object.is_object() ? object.find(key) : object.end();
  if (it == object.end()) refuse(what + " has no \"" + key + "\"");
  return *it;
}

std::vector<uint64_t> unsigned_list(const json &value, size_t most,
                                    const std::string &what) {
  if (!value.is_array() || value.size() > most)
    refuse(what + " is not a list of at most " + std::to_string(most) +
           " numbers");
  std::vector<uint64_t> numbers;
  for (const json &n : value) {
    if (!n.is_number_unsigned())
      refuse(what + " contains " + in_json(n) + " instead of a whole number");
    numbers.push_back(n.get<uint64_t>());
  }
  return numbers;
}

JsonHeader::Tensor read_tensor(const json &entry, const std::string &what) {
  JsonHeader::Tensor t;
  const json &type = member(entry, "dtype", what);
  t.type = type.is_string() ? type.get<std::string>() : in_json(type);
  t.shape = unsigned_list(member(entry, "shape", what), kMaxDimensions,
                          "the shape of " + what);
  std::vector<uint64_t> range = unsigned_list(
      member(entry, "data_offsets", what), 2, "data_offsets of " + what);
  if (range.size() != 2) refuse("data_offsets of " + what + " needs 2 numbers");
  t.begin = range[0];
  t.end = range[1];
  return t;
}

}  // namespace

JsonHeader parse_json_header(const char *text, size_t size) {
  const json root = parse(text, size, "the header");
  if (!root.is_object()) refuse("the header is not a JSON object");
  JsonHeader header;
  for (const auto &item : root.items()) {
    const std::string name = in_json(item.key());
    if (item.key() != "__metadata__") {
      header.tensors[item.key()] = read_tensor(item.value(), "tensor " + name);
      continue;
    }
    if (!item.value().is_object()) refuse("__metadata__ is not an object");
    for (const auto &pair : item.value().items()) {
      if (!pair.value().is_string())
        refuse(in_json(pair.key()) + " in __metadata__ is not a string");
      header.metadata[pair.key()] = pair.value().get<std::string>();
    }
  }
  return header;
}

std::vector<std::string> parse_json_strings(const std::string &text,
                                            const std::string &what) {
  const json list = parse(text.data(), text.size(), what);
  if (!list.is_array()) refuse(what + " is not a list of strings");
  std::vector<std::string> strings;
  for (const json &s : list) {
    if (!s.is_string())
      refuse(what + " contains " + in_json(s) + " instead of a string");
    strings.push_back(s.get<std::string>());
  }
  return strings;
}

std::vector<std::vector<double>> parse_json_rows(const std::string &text,
                                                 const std::string &what) {
  json list = parse(text.data(), text.size(), what);
  if (!list.is_array()) refuse(what + " is not a list");
  if (list.empty() || !list[0].is_array()) list = json::array({list});
  std::vector<std::vector<double>> rows;
  for (const json &row : list) {
    if (!row.is_array()) refuse(what + " mixes lists and numbers");
    rows.emplace_back();
    for (const json &n : row) {
      if (!n.is_number())
        refuse(what + " contains " + in_json(n) + " instead of a number");
      rows.back().push_back(n.get<double>());
    }
  }
  return rows;
}

}  // namespace fastscnn
