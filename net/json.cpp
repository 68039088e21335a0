// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/json.h"

#include <nlohmann/json.hpp>
#include <set>

namespace fastscnn {
namespace {

using nlohmann::json;

constexpr size_t kMaxDimensions = 8;

Error refusal(const std::string &what) {
  return Error{Error::Kind::kModel, what};
}

std::string in_json(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Finds what is wrong with a text, and what a parser would accept in silence:
/// of a name that stands twice the last wins.
class Checker : public nlohmann::json_sax<json> {
 public:
  explicit Checker(const std::string &what) : what_(what) {}

  const std::string &fault() const { return fault_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(int64_t) override { return true; }
  bool number_unsigned(uint64_t) override { return true; }
  bool number_float(double, const std::string &) override { return true; }
  bool string(std::string &) override { return true; }
  bool binary(json::binary_t &) override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }

  bool start_object(size_t) override {
    names_.emplace_back();
    return true;
  }
  bool key(std::string &name) override {
    if (names_.back().insert(name).second) return true;
    fault_ = in_json(name) + " is there twice";
    return false;
  }
  bool end_object() override {
    names_.pop_back();
    return true;
  }

  bool parse_error(size_t, const std::string &,
                   const json::exception &error) override {
    fault_ = what_ + " is not JSON: " + error.what();
    return false;
  }

 private:
  const std::string &what_;
  std::string fault_;
  std::vector<std::set<std::string>> names_;  // of the objects that are open
};

Result<json> parse(const char *text, size_t size, const std::string &what) {
  Checker checker(what);
  if (!json::sax_parse(text, text + size, &checker))
    return refusal(checker.fault());
  return json::parse(text, text + size, nullptr, /*allow_exceptions=*/false);
}

Result<const json *> member(const json &object, const char *key,
                            const std::string &what) {
  auto it = object.is_object() ? object.find(key) : object.end();
  if (it == object.end()) return refusal(what + " has no \"" + key + "\"");
  return &*it;
}

Result<std::vector<uint64_t>> unsigned_list(const json &value, size_t most,
                                            const std::string &what) {
  if (!value.is_array() || value.size() > most)
    return refusal(what + " is not a list of at most " + std::to_string(most) +
                   " numbers");
  std::vector<uint64_t> numbers;
  for (const json &n : value) {
    if (!n.is_number_unsigned())
      return refusal(what + " contains " + in_json(n) +
                     " instead of a whole number");
    numbers.push_back(n.get<uint64_t>());
  }
  return numbers;
}

Result<JsonHeader::Tensor> read_tensor(const json &entry,
                                       const std::string &what) {
  const json *type = FASTSCNN_TRY(member(entry, "dtype", what));
  const json *shape = FASTSCNN_TRY(member(entry, "shape", what));
  const json *offsets = FASTSCNN_TRY(member(entry, "data_offsets", what));
  JsonHeader::Tensor t;
  t.type = type->is_string() ? type->get<std::string>() : in_json(*type);
  t.shape = FASTSCNN_TRY(
      unsigned_list(*shape, kMaxDimensions, "the shape of " + what));
  const std::vector<uint64_t> range =
      FASTSCNN_TRY(unsigned_list(*offsets, 2, "data_offsets of " + what));
  if (range.size() != 2)
    return refusal("data_offsets of " + what + " needs 2 numbers");
  t.begin = range[0];
  t.end = range[1];
  return t;
}

Result<std::map<std::string, std::string>> read_metadata(const json &object) {
  if (!object.is_object()) return refusal("__metadata__ is not an object");
  std::map<std::string, std::string> metadata;
  for (const auto &pair : object.items()) {
    if (!pair.value().is_string())
      return refusal(in_json(pair.key()) + " in __metadata__ is not a string");
    metadata[pair.key()] = pair.value().get<std::string>();
  }
  return metadata;
}

}  // namespace

Result<JsonHeader> parse_json_header(const char *text, size_t size) {
  const json root = FASTSCNN_TRY(parse(text, size, "the header"));
  if (!root.is_object()) return refusal("the header is not a JSON object");
  JsonHeader header;
  for (const auto &item : root.items()) {
    if (item.key() == "__metadata__")
      header.metadata = FASTSCNN_TRY(read_metadata(item.value()));
    else
      header.tensors[item.key()] = FASTSCNN_TRY(
          read_tensor(item.value(), "tensor " + in_json(item.key())));
  }
  return header;
}

Result<std::vector<std::string>> parse_json_strings(const std::string &text,
                                                    const std::string &what) {
  const json list = FASTSCNN_TRY(parse(text.data(), text.size(), what));
  if (!list.is_array()) return refusal(what + " is not a list of strings");
  std::vector<std::string> strings;
  for (const json &s : list) {
    if (!s.is_string())
      return refusal(what + " contains " + in_json(s) + " instead of a string");
    strings.push_back(s.get<std::string>());
  }
  return strings;
}

Result<std::vector<std::vector<double>>> parse_json_rows(
    const std::string &text, const std::string &what) {
  json list = FASTSCNN_TRY(parse(text.data(), text.size(), what));
  if (!list.is_array()) return refusal(what + " is not a list");
  if (list.empty() || !list[0].is_array()) list = json::array({list});
  std::vector<std::vector<double>> rows;
  for (const json &row : list) {
    if (!row.is_array()) return refusal(what + " mixes lists and numbers");
    rows.emplace_back();
    for (const json &n : row) {
      if (!n.is_number())
        return refusal(what + " contains " + in_json(n) +
                       " instead of a number");
      rows.back().push_back(n.get<double>());
    }
  }
  return rows;
}

}  // namespace fastscnn
