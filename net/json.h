// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// The JSON that a model file contains, and the only stem that sees the JSON
/// library. An Error says what is wrong.

/// The header of a safetensors file as it is written, types checked, ranges
/// not.
struct JsonHeader {
  struct Tensor {
    std::string type;
    std::vector<uint64_t> shape;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

Result<JsonHeader> parse_json_header(const char *text, size_t size);

/// ["a", "b"]; what: how messages call it.
Result<std::vector<std::string>> parse_json_strings(const std::string &text,
                                                    const std::string &what);

/// [[1, 2, 3], [4, 5, 6]]; a flat list is one row.
Result<std::vector<std::vector<double>>> parse_json_rows(
    const std::string &text, const std::string &what);

}  // namespace fastscnn
