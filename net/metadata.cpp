// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/metadata.h"

#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <utility>

#include "net/json.h"

namespace fastscnn {
namespace {

using Metadata = std::map<std::string, std::string>;

Error refusal(const std::string &what) {
  return Error{Error::Kind::kModel, what};
}

Error wrong_value(const std::string &key, const std::string &value,
                  const std::string &expected) {
  return refusal("\"" + key + "\" in its metadata is \"" + value.substr(0, 80) +
                 "\" instead of " + expected);
}

Result<std::string> value_of(const Metadata &metadata, const std::string &key) {
  auto it = metadata.find(key);
  if (it == metadata.end())
    return refusal("\"" + key + "\" is missing in its metadata");
  return it->second;
}

std::string optional(const Metadata &metadata, const std::string &key) {
  auto it = metadata.find(key);
  return it == metadata.end() ? std::string() : it->second;
}

template <typename T>
Result<T> one_of(const Metadata &metadata, const std::string &key,
                 std::initializer_list<std::pair<const char *, T>> choices) {
  const std::string value = FASTSCNN_TRY(value_of(metadata, key));
  std::string expected;
  for (const auto &[name, result] : choices) {
    if (value == name) return result;
    expected += std::string(expected.empty() ? "" : " or ") + name;
  }
  return wrong_value(key, value, expected);
}

Result<int> size_of(const Metadata &metadata, const std::string &key) {
  const std::string value = FASTSCNN_TRY(value_of(metadata, key));
  char *end = nullptr;
  long n = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end || n < kSizeMultiple || n > kMaxInputSize)
    return wrong_value(key, value, "a number of pixels from 32 to 8192");
  return static_cast<int>(n);
}

Result<> read_rgb(const Metadata &metadata, const std::string &key,
                  float rgb[3]) {
  const std::string value = FASTSCNN_TRY(value_of(metadata, key));
  const auto rows =
      FASTSCNN_TRY(parse_json_rows(value, "\"" + key + "\" in its metadata"));
  if (rows.size() != 1 || rows[0].size() != 3)
    return wrong_value(key, value, "3 numbers");
  for (int c = 0; c < 3; c++) {
    rgb[c] = static_cast<float>(rows[0][c]);
    if (!std::isfinite(rgb[c]))
      return wrong_value(key, value, "3 finite numbers");
  }
  return {};
}

Result<std::vector<std::string>> read_labels(const Metadata &metadata) {
  const std::string value = FASTSCNN_TRY(value_of(metadata, "labels"));
  auto labels =
      FASTSCNN_TRY(parse_json_strings(value, "\"labels\" in its metadata"));
  if (labels.empty() || labels.size() > kMaxClasses)
    return refusal("it has " + std::to_string(labels.size()) +
                   " classes; 1 to 254 are possible");
  return labels;
}

Result<std::vector<uint32_t>> read_colors(const Metadata &metadata,
                                          size_t classes) {
  const std::string key = "colors";
  const std::string value = FASTSCNN_TRY(value_of(metadata, key));
  const auto rows =
      FASTSCNN_TRY(parse_json_rows(value, "\"colors\" in its metadata"));
  std::vector<uint32_t> colors;
  for (const auto &row : rows) {
    uint32_t color = 0;
    if (row.size() != 3) return wrong_value(key, value, "a list of [r, g, b]");
    for (double c : row) {
      if (!(c >= 0 && c <= 255))
        return wrong_value(key, value, "numbers from 0 to 255");
      color = color << 8 | static_cast<uint32_t>(c);
    }
    colors.push_back(color);
  }
  if (colors.size() != classes)
    return refusal("it has " + std::to_string(classes) + " labels, but " +
                   std::to_string(colors.size()) + " colors");
  return colors;
}

Result<Variant> read_variant(const Metadata &metadata) {
  Variant v;
  v.align_corners = FASTSCNN_TRY(one_of<bool>(
      metadata, "align_corners", {{"false", false}, {"true", true}}));
  v.first_conv_padding = FASTSCNN_TRY(
      one_of<int>(metadata, "first_conv_padding", {{"0", 0}, {"1", 1}}));
  v.dw_relu = FASTSCNN_TRY(
      one_of<bool>(metadata, "dw_relu", {{"false", false}, {"true", true}}));
  v.ppm_out_kernel = FASTSCNN_TRY(
      one_of<int>(metadata, "ppm_out_kernel", {{"1", 1}, {"3", 3}}));
  v.ffm_dw = FASTSCNN_TRY(
      one_of<Variant::FfmDw>(metadata, "ffm_dw",
                             {{"dw3", Variant::FfmDw::kDw3},
                              {"dw3-dilation4", Variant::FfmDw::kDw3Dilation4},
                              {"pw1", Variant::FfmDw::kPw1}}));
  v.activation = FASTSCNN_TRY(
      one_of<Variant::Activation>(metadata, "activation",
                                  {{"relu", Variant::Activation::kRelu},
                                   {"relu6", Variant::Activation::kRelu6}}));
  return v;
}

}  // namespace

Result<ModelInfo> read_model_info(const Metadata &metadata) {
  FASTSCNN_TRY(one_of<int>(metadata, "architecture", {{"fast-scnn", 0}}));
  FASTSCNN_TRY(one_of<int>(metadata, "format", {{"1", 1}}));
  ModelInfo info;
  info.name = FASTSCNN_TRY(value_of(metadata, "name"));
  info.license = optional(metadata, "license");
  info.source = optional(metadata, "source");
  info.labels = FASTSCNN_TRY(read_labels(metadata));
  info.colors = FASTSCNN_TRY(read_colors(metadata, info.labels.size()));
  FASTSCNN_TRY(read_rgb(metadata, "mean", info.mean));
  FASTSCNN_TRY(read_rgb(metadata, "std", info.std));
  for (float s : info.std)
    if (!(s > 0.f))
      return wrong_value("std", optional(metadata, "std"), "3 numbers above 0");
  info.input_width = FASTSCNN_TRY(size_of(metadata, "input_width"));
  info.input_height = FASTSCNN_TRY(size_of(metadata, "input_height"));
  info.variant = FASTSCNN_TRY(read_variant(metadata));
  return info;
}

}  // namespace fastscnn
