// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/metadata.h"

#include <algorithm>
#include <cfloat>
#include <cstdlib>
#include <initializer_list>
#include <utility>

#include "net/json.h"
#include "net/label.h"

namespace fastscnn {
namespace {

using Metadata = std::map<std::string, std::string>;

Error wrong_value(const std::string &key, const std::string &value,
                  const std::string &expected) {
  return model_error("\"" + key + "\" in its metadata is " +
                     to_text(value.substr(0, 80)) + " instead of " + expected);
}

Result<std::string> value_of(const Metadata &metadata, const std::string &key) {
  auto it = metadata.find(key);
  if (it == metadata.end())
    return model_error("its metadata has no \"" + key + "\"");
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

Result<json> json_of(const Metadata &metadata, const std::string &key) {
  const std::string value = FASTSCNN_TRY(value_of(metadata, key));
  return parse_json(value.data(), value.size(),
                    "\"" + key + "\" in its metadata");
}

/// Whether value is a list of 3 numbers from low to high; stores them in rgb.
bool read_rgb(const json &value, float low, float high, float rgb[3]) {
  if (!value.is_array() || value.size() != 3) return false;
  for (int c = 0; c < 3; c++) {
    if (!value[c].is_number()) return false;
    rgb[c] = value[c].get<float>();
    if (!(rgb[c] >= low && rgb[c] <= high)) return false;
  }
  return true;
}

Result<std::vector<std::string>> read_labels(const Metadata &metadata) {
  const json list = FASTSCNN_TRY(json_of(metadata, "labels"));
  std::vector<std::string> labels;
  for (const json &label : list) {
    if (!list.is_array() || !label.is_string())
      return wrong_value("labels", to_text(list), "a list of strings");
    labels.push_back(label.get<std::string>());
  }
  if (labels.empty() || labels.size() > kMaxClasses)
    return model_error("it has " + std::to_string(labels.size()) +
                       " classes; 1 to 254 are possible");
  return labels;
}

Result<std::vector<uint32_t>> read_colors(const Metadata &metadata,
                                          size_t classes) {
  const json list = FASTSCNN_TRY(json_of(metadata, "colors"));
  std::vector<uint32_t> colors;
  for (const json &color : list) {
    float rgb[3];
    if (!read_rgb(color, 0, 255, rgb))
      return wrong_value("colors", to_text(list),
                         "a list of [r, g, b] from 0 to 255");
    colors.push_back(uint32_t(rgb[0]) << 16 | uint32_t(rgb[1]) << 8 |
                     uint32_t(rgb[2]));
  }
  if (colors.size() != classes)
    return model_error("it has " + std::to_string(classes) + " labels, but " +
                       std::to_string(colors.size()) + " colors");
  return colors;
}

/// Reads the aliases, if any. A name must mean one class, however it is
/// spelled.
Result<std::vector<std::pair<std::string, std::string>>> read_aliases(
    const Metadata &metadata, const std::vector<std::string> &labels) {
  std::vector<std::pair<std::string, std::string>> aliases;
  if (!metadata.count("aliases")) return aliases;
  const json object = FASTSCNN_TRY(json_of(metadata, "aliases"));
  for (const auto &[alias, label] : object.items()) {
    const auto is_alias = [alias = alias](const auto &other) {
      return same_label(alias, other.first);
    };
    const auto is_label = [alias = alias](const std::string &other) {
      return same_label(alias, other);
    };
    if (!object.is_object() || !label.is_string() || alias.empty())
      return wrong_value("aliases", to_text(object),
                         "an object of other names and their labels");
    if (std::find(labels.begin(), labels.end(), label.get<std::string>()) ==
        labels.end())
      return model_error("its alias " + to_text(alias) + " stands for " +
                         to_text(label) + ", which is not a label");
    if (std::any_of(labels.begin(), labels.end(), is_label))
      return model_error("its alias " + to_text(alias) + " is also a label");
    if (std::any_of(aliases.begin(), aliases.end(), is_alias))
      return model_error("it has the alias " + to_text(alias) + " twice");
    aliases.emplace_back(alias, label.get<std::string>());
  }
  return aliases;
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

/// Reads the activation scales by layer; empty if the metadata has none.
Result<std::vector<float>> read_scales(const Metadata &metadata,
                                       const ModelInfo &info) {
  const char *const key = "activation_scales";
  if (metadata.count(key) == 0) return std::vector<float>();
  json object = FASTSCNN_TRY(json_of(metadata, key));
  if (!object.is_object())
    return wrong_value(key, to_text(object), "an object of scales by layer");
  const std::vector<Layer> layers = make_layers(info.variant, info.classes());
  std::vector<float> scales(layers.size());
  for (size_t i = 0; i < layers.size(); i++) {
    if (!has_scale(layers, i)) continue;
    const auto entry = object.find(layers[i].name);
    if (entry == object.end())
      return model_error(
          "\"activation_scales\" in its metadata has no scale "
          "for the layer \"" +
          layers[i].name + "\"");
    const double scale = entry->is_number() ? entry->get<double>() : 0;
    if (!(scale >= kMinScale && scale <= kMaxScale))
      return model_error("\"activation_scales\" in its metadata has " +
                         to_text(*entry).substr(0, 80) + " for the layer \"" +
                         layers[i].name +
                         "\" instead of a number from 1e-6 to 1e6");
    scales[i] = static_cast<float>(scale);
    object.erase(entry);
  }
  if (!object.empty())
    return model_error(
        "\"activation_scales\" in its metadata has a scale for " +
        to_text(object.begin().key()).substr(0, 80) +
        ", which is not a layer with one in this variant of "
        "Fast-SCNN");
  return scales;
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
  info.aliases = FASTSCNN_TRY(read_aliases(metadata, info.labels));
  const json mean = FASTSCNN_TRY(json_of(metadata, "mean"));
  if (!read_rgb(mean, -FLT_MAX, FLT_MAX, info.mean))
    return wrong_value("mean", to_text(mean), "3 finite numbers");
  const json std = FASTSCNN_TRY(json_of(metadata, "std"));
  if (!read_rgb(std, FLT_MIN, FLT_MAX, info.std))
    return wrong_value("std", to_text(std), "3 finite numbers above 0");
  info.input_width = FASTSCNN_TRY(size_of(metadata, "input_width"));
  info.input_height = FASTSCNN_TRY(size_of(metadata, "input_height"));
  info.variant = FASTSCNN_TRY(read_variant(metadata));
  info.activation_scales = FASTSCNN_TRY(read_scales(metadata, info));
  return info;
}

}  // namespace fastscnn
