// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/json.h"

#include <set>
#include <vector>

namespace fastscnn {
namespace {

/// Finds syntax errors and duplicate keys.
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
    keys_.emplace_back();
    return true;
  }
  bool key(std::string &key) override {
    if (keys_.back().insert(key).second) return true;
    fault_ = what_ + " contains the key " + to_text(key) + " twice";
    return false;
  }
  bool end_object() override {
    keys_.pop_back();
    return true;
  }

  bool parse_error(size_t, const std::string &,
                   const json::exception &error) override {
    fault_ = what_ + " is not valid JSON: " + error.what();
    return false;
  }

 private:
  const std::string &what_;
  std::string fault_;
  std::vector<std::set<std::string>> keys_;  // of the open objects
};

}  // namespace

Result<json> parse_json(const char *text, size_t size,
                        const std::string &what) {
  Checker checker(what);
  if (!json::sax_parse(text, text + size, &checker))
    return model_error(checker.fault());
  return json::parse(text, text + size, nullptr, /*allow_exceptions=*/false);
}

std::string to_text(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fastscnn
