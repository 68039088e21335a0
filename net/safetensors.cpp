// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include "net/json.h"

namespace fastscnn {
namespace {

constexpr uint64_t kMaxHeaderBytes = 1u << 20;  // a Fast-SCNN needs about 15 kB

Error refusal(const std::string &what) {
  return Error{Error::Kind::kModel, what};
}

uint64_t little_endian_64(const uint8_t *p) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

Result<Safetensors::Tensor> check_tensor(const std::string &name,
                                         const JsonHeader::Tensor &entry,
                                         const uint8_t *data,
                                         uint64_t data_size) {
  const std::string where = "tensor \"" + name + "\"";
  Safetensors::Tensor t;
  if (entry.type == "F16")
    t.type = Safetensors::Type::kF16;
  else if (entry.type == "F32")
    t.type = Safetensors::Type::kF32;
  else
    return refusal(where + " is of type " + entry.type +
                   "; only F16 and F32 are read");
  const uint64_t bytes_each = t.type == Safetensors::Type::kF16 ? 2 : 4;

  t.shape = entry.shape;
  t.count = 1;
  for (uint64_t n : t.shape) {
    if (n && t.count > data_size / n)
      return refusal(where + " is larger than the file");
    t.count *= n;
  }
  if (entry.begin > entry.end || entry.end > data_size)
    return refusal(where + " lies at " + std::to_string(entry.begin) + " to " +
                   std::to_string(entry.end) + ", outside the " +
                   std::to_string(data_size) + " bytes of data");
  if (entry.end - entry.begin != t.count * bytes_each)
    return refusal(where + " has " + std::to_string(entry.end - entry.begin) +
                   " bytes, but its shape needs " +
                   std::to_string(t.count * bytes_each));
  t.data = data + entry.begin;
  return t;
}

/// No two tensors share a byte, and no byte belongs to none.
Result<> check_coverage(const JsonHeader &header, uint64_t data_size) {
  std::vector<std::tuple<uint64_t, uint64_t, std::string>> ranges;
  for (const auto &[name, t] : header.tensors)
    ranges.emplace_back(t.begin, t.end, name);
  ranges.emplace_back(data_size, data_size, "");
  std::sort(ranges.begin(), ranges.end());
  uint64_t reached = 0;
  for (const auto &[begin, end, name] : ranges) {
    if (begin < reached)
      return refusal("tensor \"" + name + "\" overlaps another one at byte " +
                     std::to_string(begin));
    if (begin > reached)
      return refusal("bytes " + std::to_string(reached) + " to " +
                     std::to_string(begin) +
                     " of the data belong to no tensor");
    reached = end;
  }
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
  if (size < 8) return refusal("it is too short for a safetensors file");
  const uint64_t header_size = little_endian_64(data);
  if (header_size > size - 8)
    return refusal("its header claims " + std::to_string(header_size) +
                   " bytes, but the file ends after " +
                   std::to_string(size - 8) +
                   "; it is no safetensors file, or was cut off");
  if (header_size > kMaxHeaderBytes)
    return refusal("its header claims " + std::to_string(header_size) +
                   " bytes; a Fast-SCNN needs less than " +
                   std::to_string(kMaxHeaderBytes));
  const uint8_t *body = data + 8 + header_size;
  const uint64_t body_size = size - 8 - header_size;

  JsonHeader header = FASTSCNN_TRY(
      parse_json_header(reinterpret_cast<const char *>(data + 8), header_size));
  Safetensors file;
  for (const auto &[name, entry] : header.tensors)
    file.tensors[name] =
        FASTSCNN_TRY(check_tensor(name, entry, body, body_size));
  FASTSCNN_TRY(check_coverage(header, body_size));
  file.metadata = std::move(header.metadata);
  return file;
}

Result<std::vector<float>> Safetensors::floats(const std::string &name,
                                               const Tensor &t) {
  std::vector<float> out(t.count);
  if (t.type == Type::kF32) {
    if (t.count) std::memcpy(out.data(), t.data, t.count * sizeof(float));
  } else {
    for (uint64_t i = 0; i < t.count; i++)
      out[i] = half_to_float(
          static_cast<uint16_t>(t.data[2 * i] | t.data[2 * i + 1] << 8));
  }
  for (uint64_t i = 0; i < t.count; i++)
    if (!std::isfinite(out[i]))
      return refusal("tensor \"" + name +
                     "\" has a weight that is not finite, at " +
                     std::to_string(i));
  return out;
}

}  // namespace fastscnn
