// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/modelwriter.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace fastscnn::testing {
namespace {

using nlohmann::json;

const char *name_of(Variant::FfmDw kind) {
  switch (kind) {
    case Variant::FfmDw::kDw3:
      return "dw3";
    case Variant::FfmDw::kDw3Dilation4:
      return "dw3-dilation4";
    default:
      return "pw1";
  }
}

std::map<std::string, std::string> metadata_of(const Variant &v, int classes) {
  json labels, colors;
  for (int i = 0; i < classes; i++) {
    labels.push_back("class" + std::to_string(i));
    colors.push_back({i, 2, 3});
  }
  bool relu6 = v.activation == Variant::Activation::kRelu6;
  return {
      {"architecture", "fast-scnn"},
      {"format", "1"},
      {"name", "test"},
      {"license", "none"},
      {"source", "a test"},
      {"labels", labels.dump()},
      {"colors", colors.dump()},
      {"mean", "[0.5, 0.25, 0.125]"},
      {"std", "[1, 0.5, 0.25]"},
      {"input_width", "160"},
      {"input_height", "96"},
      {"align_corners", v.align_corners ? "true" : "false"},
      {"first_conv_padding", std::to_string(v.first_conv_padding)},
      {"dw_relu", v.dw_relu ? "true" : "false"},
      {"ppm_out_kernel", std::to_string(v.ppm_out_kernel)},
      {"ffm_dw", name_of(v.ffm_dw)},
      {"activation", relu6 ? "relu6" : "relu"},
  };
}

}  // namespace

ModelFile ModelFile::valid(const Variant &variant, int classes) {
  ModelFile file;
  file.metadata = metadata_of(variant, classes);
  const std::vector<Layer> layers = make_layers(variant, classes);
  auto append = [&file](const std::string &name,
                        const std::vector<uint64_t> &shape) {
    uint64_t count = 1;
    for (uint64_t n : shape) count *= n;
    std::vector<float> values(count);
    for (uint64_t i = 0; i < count; i++)
      values[i] = 0.1f * std::sin(static_cast<float>(i + shape[0]));
    const uint64_t begin = file.data.size();
    file.data.resize(begin + count * sizeof(float));
    std::memcpy(file.data.data() + begin, values.data(), count * sizeof(float));
    file.tensors.push_back({name, "F32", shape, begin, file.data.size()});
  };
  for (size_t i = 0; i < layers.size(); i++) {
    const Layer &l = layers[i];
    if (l.op != Op::kConv) continue;
    const uint64_t out = l.channels, kernel = l.kernel;
    const uint64_t in = input_channels(layers, static_cast<int>(i)) / l.groups;
    append(l.name + ".weight", {out, in, kernel, kernel});
    append(l.name + ".bias", {out});
  }
  return file;
}

void ModelFile::set_scales(double scale, const Variant &variant, int classes) {
  json scales;
  const std::vector<Layer> layers = make_layers(variant, classes);
  for (size_t i = 0; i < layers.size(); i++)
    if (has_scale(layers, static_cast<int>(i))) scales[layers[i].name] = scale;
  metadata["activation_scales"] = scales.dump();
}

ModelFile::Tensor &ModelFile::tensor(const std::string &name) {
  for (Tensor &t : tensors)
    if (t.name == name) return t;
  return tensors.front();
}

std::string ModelFile::header() const {
  json header;
  header["__metadata__"] = metadata;
  for (const Tensor &t : tensors)
    header[t.name] = {{"dtype", t.type},
                      {"shape", t.shape},
                      {"data_offsets", {t.begin, t.end}}};
  return header.dump();
}

std::vector<uint8_t> ModelFile::bytes() const { return join(header(), data); }

std::vector<uint8_t> join(const std::string &header,
                          const std::vector<uint8_t> &data) {
  std::vector<uint8_t> file;
  for (int i = 0; i < 8; i++)
    file.push_back(static_cast<uint8_t>(uint64_t(header.size()) >> 8 * i));
  file.insert(file.end(), header.begin(), header.end());
  file.insert(file.end(), data.begin(), data.end());
  return file;
}

}  // namespace fastscnn::testing
