// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/model.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "net/error.h"
#include "net/metadata.h"
#include "net/safetensors.h"

namespace fastscnn {
namespace {

[[noreturn]] void refuse(const std::string &what) {
  throw Error(Error::Kind::kModel, what);
}

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

/// Takes a tensor out of the file, so that what remains is unknown.
std::vector<float> take(Safetensors &file, const std::string &name,
                        const std::vector<uint64_t> &shape) {
  auto it = file.tensors.find(name);
  if (it == file.tensors.end()) refuse("tensor \"" + name + "\" is missing");
  if (it->second.shape != shape)
    refuse("tensor \"" + name + "\" has the shape " + list(it->second.shape) +
           " instead of " + list(shape));
  std::vector<float> values = Safetensors::floats(name, it->second);
  file.tensors.erase(it);
  return values;
}

std::shared_ptr<const Model> bind(Safetensors file) {
  ModelInfo info = read_model_info(file.metadata);
  std::vector<Layer> layers = make_layers(info.variant, info.classes());
  std::vector<std::vector<float>> weights(layers.size());
  std::vector<std::vector<float>> biases(layers.size());
  for (size_t i = 0; i < layers.size(); i++) {
    if (layers[i].op != Op::kConv) continue;
    const std::string &name = layers[i].name;
    weights[i] = take(file, name + ".weight", weight_shape(layers, i));
    biases[i] =
        take(file, name + ".bias", {static_cast<uint64_t>(layers[i].channels)});
  }
  if (!file.tensors.empty())
    refuse("tensor \"" + file.tensors.begin()->first +
           "\" belongs to no layer of this variant of Fast-SCNN");
  return std::make_shared<const Model>(std::move(info), std::move(weights),
                                       std::move(biases));
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE *)>;

/// The whole file. It is read rather than mapped: a mapped file that somebody
/// truncates meanwhile would end the process.
std::vector<uint8_t> read_file(const std::string &path) {
  std::error_code unknown;  // says fopen() better
  if (std::filesystem::exists(path, unknown) &&
      !std::filesystem::is_regular_file(path, unknown))
    refuse("it is not a regular file");  // a pipe would never open
  File file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) refuse(std::string("it cannot be opened: ") + strerror(errno));
  std::vector<uint8_t> bytes;
  long size = std::fseek(file.get(), 0, SEEK_END) ? -1 : std::ftell(file.get());
  if (size < 0) refuse("its size cannot be found out");
  if (static_cast<unsigned long>(size) > kMaxModelBytes)
    refuse("it has " + std::to_string(size) +
           " bytes; no Fast-SCNN has more than " +
           std::to_string(kMaxModelBytes));
  std::rewind(file.get());
  bytes.resize(size);
  if (std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    refuse("it cannot be read to its end");
  return bytes;
}

/// Puts the name of the file in front of what is wrong with it.
template <typename Function>
auto naming(const std::string &name, Function function) {
  try {
    return function();
  } catch (const Error &e) {
    throw Error(e.kind(),
                "The model file " + name + " cannot be used: " + e.what());
  }
}

}  // namespace

std::shared_ptr<const Model> Model::load(const std::string &path) {
  return naming(path, [&path] {
    std::vector<uint8_t> bytes = read_file(path);
    return bind(Safetensors::parse(bytes.data(), bytes.size()));
  });
}

std::shared_ptr<const Model> Model::parse(const uint8_t *data, size_t size,
                                          const std::string &name) {
  return naming(name,
                [data, size] { return bind(Safetensors::parse(data, size)); });
}

Model::Model(ModelInfo info, std::vector<std::vector<float>> weights,
             std::vector<std::vector<float>> biases)
    : info_(std::move(info)),
      layers_(make_layers(info_.variant, info_.classes())),
      weights_(std::move(weights)),
      biases_(std::move(biases)) {
  if (weights_.size() != layers_.size() || biases_.size() != layers_.size())
    refuse("there must be one entry of weights and biases a layer");
  for (size_t i = 0; i < layers_.size(); i++) {
    bool conv = layers_[i].op == Op::kConv;
    uint64_t expected = conv ? count(weight_shape(layers_, i)) : 0;
    uint64_t channels = conv ? layers_[i].channels : 0;
    if (weights_[i].size() != expected || biases_[i].size() != channels)
      refuse("layer \"" + layers_[i].name + "\" needs " +
             std::to_string(expected) + " weights and " +
             std::to_string(channels) + " biases");
  }
}

}  // namespace fastscnn
