// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "net/json.h"

namespace fastscnn {
namespace {

using Tensor = Safetensors::Tensor;

constexpr uint64_t kMaxHeaderBytes = 1u << 20;  // a Fast-SCNN needs about 15 kB
constexpr size_t kMaxDimensions = 8;

uint64_t little_endian_64(const uint8_t *p) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

/// Reads a list of at most kMaxDimensions non-negative integers.
Result<std::vector<uint64_t>> read_sizes(const json &entry, const char *key,
                                         const std::string &where) {
  const json list = entry.value(key, json());
  if (!list.is_array() || list.size() > kMaxDimensions)
    return model_error(where + " has no list of at most 8 numbers as \"" + key +
                       "\"");
  std::vector<uint64_t> sizes;
  for (const json &n : list) {
    if (!n.is_number_unsigned())
      return model_error(where + " has " + to_text(n) + " in its \"" + key +
                         "\" instead of a whole number");
    sizes.push_back(n.get<uint64_t>());
  }
  return sizes;
}

Result<Tensor> read_tensor(const std::string &name, const json &entry,
                           const uint8_t *data, uint64_t data_size) {
  const std::string where = "tensor " + to_text(name);
  if (!entry.is_object()) return model_error(where + " is not an object");
  Tensor t;
  t.name = name;
  const json type = entry.value("dtype", json());
  if (type != "F16" && type != "F32")
    return model_error(where + " has the \"dtype\" " + to_text(type) +
                       "; only F16 and F32 are supported");
  t.type = type == "F16" ? Tensor::Type::kF16 : Tensor::Type::kF32;
  t.shape = FASTSCNN_TRY(read_sizes(entry, "shape", where));
  const auto range = FASTSCNN_TRY(read_sizes(entry, "data_offsets", where));
  if (range.size() != 2)
    return model_error(where + " needs 2 numbers as \"data_offsets\"");
  const uint64_t begin = range[0], end = range[1];
  if (begin > end || end > data_size)
    return model_error(where + " lies at " + std::to_string(begin) + " to " +
                       std::to_string(end) + ", outside the " +
                       std::to_string(data_size) + " bytes of data");
  uint64_t bytes = t.type == Tensor::Type::kF16 ? 2 : 4;
  for (uint64_t n : t.shape) {
    if (n && bytes > data_size / n)
      return model_error(where + " is larger than the file");
    bytes *= n;
  }
  if (end - begin != bytes)
    return model_error(where + " has " + std::to_string(end - begin) +
                       " bytes, but its shape needs " + std::to_string(bytes));
  t.begin = data + begin;
  t.end = data + end;
  return t;
}

Result<> read_metadata(const json &object,
                       std::map<std::string, std::string> *metadata) {
  if (!object.is_object()) return model_error("__metadata__ is not an object");
  for (const auto &[key, value] : object.items()) {
    if (!value.is_string())
      return model_error(to_text(key) + " in __metadata__ is not a string");
    (*metadata)[key] = value.get<std::string>();
  }
  return {};
}

/// Checks that every byte of the data belongs to exactly one tensor.
Result<> check_coverage(const Safetensors &file, const uint8_t *data,
                        const uint8_t *end) {
  std::vector<const Tensor *> tensors;
  for (const auto &[name, t] : file.tensors) tensors.push_back(&t);
  std::sort(tensors.begin(), tensors.end(),
            [](const Tensor *a, const Tensor *b) {
              return std::tie(a->begin, a->end) < std::tie(b->begin, b->end);
            });
  const uint8_t *reached = data;
  const auto gap_before = [&](const uint8_t *begin) {
    return model_error("bytes " + std::to_string(reached - data) + " to " +
                       std::to_string(begin - data) +
                       " of the data belong to no tensor");
  };
  for (const Tensor *t : tensors) {
    if (t->begin < reached)
      return model_error("tensor " + to_text(t->name) +
                         " overlaps another one at byte " +
                         std::to_string(t->begin - data));
    if (t->begin > reached) return gap_before(t->begin);
    reached = t->end;
  }
  if (reached < end) return gap_before(end);
  return {};
}

/// IEEE 754 half to single precision; exact.
float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) {
    float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  uint32_t bits = sign | mantissa << 13;
  bits |= (exponent == 31 ? 255 : exponent + 112) << 23;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

}  // namespace

Result<Safetensors> Safetensors::parse(const uint8_t *data, size_t size) {
  if (size < 8) return model_error("it is too short for a safetensors file");
  const uint64_t header_size = little_endian_64(data);
  if (header_size > size - 8)
    return model_error("its header claims " + std::to_string(header_size) +
                       " bytes, but the file ends after " +
                       std::to_string(size - 8) +
                       "; it is not a safetensors file, or was cut off");
  if (header_size > kMaxHeaderBytes)
    return model_error("its header claims " + std::to_string(header_size) +
                       " bytes; a Fast-SCNN needs less than " +
                       std::to_string(kMaxHeaderBytes));
  const uint8_t *body = data + 8 + header_size;
  const json header = FASTSCNN_TRY(parse_json(
      reinterpret_cast<const char *>(data + 8), header_size, "its header"));
  if (!header.is_object())
    return model_error("its header is not a JSON object");
  Safetensors file;
  for (const auto &[name, entry] : header.items()) {
    if (name == "__metadata__")
      FASTSCNN_TRY(read_metadata(entry, &file.metadata));
    else
      file.tensors[name] =
          FASTSCNN_TRY(read_tensor(name, entry, body, data + size - body));
  }
  FASTSCNN_TRY(check_coverage(file, body, data + size));
  return file;
}

Result<std::vector<float>> Safetensors::Tensor::floats() const {
  std::vector<float> out((end - begin) / (type == Type::kF16 ? 2 : 4));
  if (type == Type::kF32 && begin != end)
    std::memcpy(out.data(), begin, end - begin);
  for (size_t i = 0; i < out.size(); i++) {
    if (type == Type::kF16)
      out[i] = half_to_float(
          static_cast<uint16_t>(begin[2 * i] | begin[2 * i + 1] << 8));
    if (!std::isfinite(out[i]))
      return model_error("tensor \"" + name +
                         "\" has a weight that is not finite, at " +
                         std::to_string(i));
  }
  return out;
}

}  // namespace fastscnn
