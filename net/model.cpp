// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/model.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "net/metadata.h"
#include "net/safetensors.h"

namespace fastscnn {
namespace {

using ModelPtr = std::shared_ptr<const Model>;

std::string list(const std::vector<uint64_t> &shape) {
  std::string text = "[";
  for (uint64_t n : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

std::vector<uint64_t> weight_shape(const std::vector<Layer> &layers, int i) {
  const Layer &l = layers[i];
  const uint64_t kernel = l.kernel;
  const uint64_t in = input_channels(layers, i) / l.groups;
  return {static_cast<uint64_t>(l.channels), in, kernel, kernel};
}

uint64_t count(const std::vector<uint64_t> &shape) {
  uint64_t n = 1;
  for (uint64_t d : shape) n *= d;
  return n;
}

/// Removes a tensor from the file; tensors that remain in the end belong to no
/// layer.
Result<std::vector<float>> take(Safetensors &file, const std::string &name,
                                const std::vector<uint64_t> &shape) {
  auto it = file.tensors.find(name);
  if (it == file.tensors.end())
    return model_error("tensor \"" + name + "\" is missing");
  if (it->second.shape != shape)
    return model_error("tensor \"" + name + "\" has the shape " +
                       list(it->second.shape) + " instead of " + list(shape));
  std::vector<float> values = FASTSCNN_TRY(it->second.floats());
  file.tensors.erase(it);
  return values;
}

Result<ModelPtr> parse_model(const uint8_t *data, size_t size) {
  Safetensors file = FASTSCNN_TRY(Safetensors::parse(data, size));
  ModelInfo info = FASTSCNN_TRY(read_model_info(file.metadata));
  std::vector<Layer> layers = make_layers(info.variant, info.classes());
  std::vector<std::vector<float>> weights(layers.size());
  std::vector<std::vector<float>> biases(layers.size());
  for (size_t i = 0; i < layers.size(); i++) {
    if (layers[i].op != Op::kConv) continue;
    const std::string &name = layers[i].name;
    weights[i] =
        FASTSCNN_TRY(take(file, name + ".weight", weight_shape(layers, i)));
    const uint64_t channels = layers[i].channels;
    biases[i] = FASTSCNN_TRY(take(file, name + ".bias", {channels}));
  }
  if (!file.tensors.empty())
    return model_error("tensor \"" + file.tensors.begin()->first +
                       "\" belongs to no layer of this variant of Fast-SCNN");
  return Model::create(std::move(info), std::move(weights), std::move(biases));
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE *)>;

/// Reads the whole file instead of mapping it: if another process truncated a
/// mapped file, SIGBUS would kill this one.
Result<std::vector<uint8_t>> read_file(const std::string &path) {
  std::error_code ignored;  // fopen() reports it
  if (std::filesystem::exists(path, ignored) &&
      !std::filesystem::is_regular_file(path, ignored))
    return model_error("it is not a regular file");  // opening a pipe may block
  File file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file)
    return model_error(std::string("it cannot be opened: ") + strerror(errno));
  std::vector<uint8_t> bytes;
  long size = std::fseek(file.get(), 0, SEEK_END) ? -1 : std::ftell(file.get());
  if (size < 0) return model_error("its size cannot be determined");
  if (static_cast<unsigned long>(size) > kMaxModelBytes)
    return model_error("it has " + std::to_string(size) +
                       " bytes; no Fast-SCNN has more than " +
                       std::to_string(kMaxModelBytes));
  std::rewind(file.get());
  bytes.resize(size);
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    return model_error("it cannot be read completely");
  return bytes;
}

Result<ModelPtr> load_model(const std::string &path) {
  const std::vector<uint8_t> bytes = FASTSCNN_TRY(read_file(path));
  return parse_model(bytes.data(), bytes.size());
}

/// Puts the name of the file in front of an Error.
Result<ModelPtr> with_name(const std::string &name, Result<ModelPtr> model) {
  if (model) return model;
  return model_error("The model file " + name +
                     " cannot be used: " + model.error().sentence);
}

}  // namespace

Result<ModelPtr> Model::load(const std::string &path) {
  return with_name(path, load_model(path));
}

Result<ModelPtr> Model::parse(const uint8_t *data, size_t size,
                              const std::string &name) {
  return with_name(name, parse_model(data, size));
}

Result<ModelPtr> Model::create(ModelInfo info,
                               std::vector<std::vector<float>> weights,
                               std::vector<std::vector<float>> biases) {
  std::shared_ptr<Model> model(new Model(std::move(info)));
  const std::vector<Layer> &layers = model->layers_;
  if (weights.size() != layers.size() || biases.size() != layers.size())
    return model_error("weights and biases must have one entry per layer");
  for (size_t i = 0; i < layers.size(); i++) {
    bool conv = layers[i].op == Op::kConv;
    uint64_t expected = conv ? count(weight_shape(layers, i)) : 0;
    uint64_t channels = conv ? layers[i].channels : 0;
    if (weights[i].size() != expected || biases[i].size() != channels)
      return model_error("layer \"" + layers[i].name + "\" needs " +
                         std::to_string(expected) + " weights and " +
                         std::to_string(channels) + " biases");
  }
  if (const size_t scales = model->info_.activation_scales.size();
      scales && scales != layers.size())
    return model_error("activation scales must have one entry per layer");
  model->weights_ = std::move(weights);
  model->biases_ = std::move(biases);
  return model;
}

}  // namespace fastscnn
