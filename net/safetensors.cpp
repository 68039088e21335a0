// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "net/error.h"

namespace fastscnn {
namespace {

using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 1u << 20;  // a Fast-SCNN needs about 15 kB
constexpr size_t kMaxDimensions = 8;

[[noreturn]] void refuse(const std::string &what) {
  throw Error(Error::Kind::kModel, what);
}

uint64_t little_endian_64(const uint8_t *p) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
  return v;
}

/// Parses the header; a name that stands twice would otherwise silently win
/// over the first.
json parse_header(const char *text, size_t size) {
  std::vector<std::set<std::string>> names;  // of the objects that are open
  auto unique = [&names](int, json::parse_event_t event, json &parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        names.emplace_back();
        if (names.size() > 2) refuse("the header is nested too deeply");
        break;
      case json::parse_event_t::object_end:
        names.pop_back();
        break;
      case json::parse_event_t::key:
        if (!names.back().insert(parsed.get<std::string>()).second)
          refuse("\"" + parsed.get<std::string>() + "\" is there twice");
        break;
      default:
        break;
    }
    return true;
  };
  try {
    return json::parse(text, text + size, unique);
  } catch (const json::exception &e) {
    refuse(std::string("the header is not JSON: ") + e.what());
  }
}

uint64_t to_unsigned(const json &number, const std::string &where) {
  if (!number.is_number_unsigned())
    refuse(where + " is " + number.dump(-1, ' ', false,
                                        json::error_handler_t::replace) +
           " instead of a whole number");
  return number.get<uint64_t>();
}

const json &member(const json &object, const char *key,
                   const std::string &name) {
  auto it = object.is_object() ? object.find(key) : object.end();
  if (it == object.end())
    refuse("tensor \"" + name + "\" has no \"" + key + "\"");
  return *it;
}

struct Range {
  uint64_t begin, end;
  std::string name;
};

Safetensors::Tensor read_tensor(const std::string &name, const json &entry,
                                const uint8_t *data, uint64_t data_size,
                                std::vector<Range> &ranges) {
  const std::string where = "tensor \"" + name + "\"";
  Safetensors::Tensor t;

  const json &type = member(entry, "dtype", name);
  if (type == "F16")
    t.type = Safetensors::Type::kF16;
  else if (type == "F32")
    t.type = Safetensors::Type::kF32;
  else
    refuse(where + " is of type " +
           type.dump(-1, ' ', false, json::error_handler_t::replace) +
           "; only F16 and F32 are read");
  const uint64_t bytes_each = t.type == Safetensors::Type::kF16 ? 2 : 4;

  const json &shape = member(entry, "shape", name);
  if (!shape.is_array() || shape.size() > kMaxDimensions)
    refuse(where + " has no list of at most 8 dimensions as its shape");
  t.count = 1;
  for (const json &d : shape) {
    uint64_t n = to_unsigned(d, "a dimension of " + where);
    t.shape.push_back(n);
    if (n && t.count > data_size / n)
      refuse(where + " is larger than the file");
    t.count *= n;
  }

  const json &offsets = member(entry, "data_offsets", name);
  if (!offsets.is_array() || offsets.size() != 2)
    refuse(where + " has no [begin, end] as its data_offsets");
  uint64_t begin = to_unsigned(offsets[0], "the begin of " + where);
  uint64_t end = to_unsigned(offsets[1], "the end of " + where);
  if (begin > end || end > data_size)
    refuse(where + " lies at " + std::to_string(begin) + " to " +
           std::to_string(end) + ", outside the " + std::to_string(data_size) +
           " bytes of data");
  if (end - begin != t.count * bytes_each)
    refuse(where + " has " + std::to_string(end - begin) +
           " bytes, but its shape needs " +
           std::to_string(t.count * bytes_each));
  t.data = data + begin;
  ranges.push_back({begin, end, name});
  return t;
}

void check_coverage(std::vector<Range> ranges, uint64_t data_size) {
  std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t reached = 0;
  for (const Range &r : ranges) {
    if (r.begin < reached)
      refuse("tensor \"" + r.name + "\" overlaps another one at byte " +
             std::to_string(r.begin));
    if (r.begin > reached)
      refuse("bytes " + std::to_string(reached) + " to " +
             std::to_string(r.begin) + " of the data belong to no tensor");
    reached = r.end;
  }
  if (reached != data_size)
    refuse("bytes " + std::to_string(reached) + " to " +
           std::to_string(data_size) + " of the data belong to no tensor");
}

std::map<std::string, std::string> read_metadata(const json &object) {
  std::map<std::string, std::string> metadata;
  if (!object.is_object()) refuse("__metadata__ is not an object");
  for (const auto &item : object.items()) {
    if (!item.value().is_string())
      refuse("\"" + item.key() + "\" in __metadata__ is not a string");
    metadata[item.key()] = item.value().get<std::string>();
  }
  return metadata;
}

/// IEEE 754 half to single precision; exact.
float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16;
  const int exponent = h >> 10 & 31;
  const uint32_t mantissa = h & 0x3ff;
  if (exponent == 0) {
    float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  uint32_t bits = sign | mantissa << 13;
  bits |= uint32_t(exponent == 31 ? 255 : exponent + 112) << 23;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}

}  // namespace

Safetensors Safetensors::parse(const uint8_t *data, size_t size) {
  if (size < 8) refuse("it is too short for a safetensors file");
  uint64_t header_size = little_endian_64(data);
  if (header_size > size - 8)
    refuse("its header claims " + std::to_string(header_size) +
           " bytes, but the file ends after " + std::to_string(size - 8));
  if (header_size > kMaxHeaderBytes)
    refuse("its header claims " + std::to_string(header_size) +
           " bytes; a Fast-SCNN needs less than " +
           std::to_string(kMaxHeaderBytes));
  const uint8_t *body = data + 8 + header_size;
  const uint64_t body_size = size - 8 - header_size;

  json header =
      parse_header(reinterpret_cast<const char *>(data + 8), header_size);
  if (!header.is_object()) refuse("the header is not a JSON object");

  Safetensors file;
  std::vector<Range> ranges;
  for (const auto &item : header.items()) {
    if (item.key() == "__metadata__")
      file.metadata = read_metadata(item.value());
    else
      file.tensors[item.key()] =
          read_tensor(item.key(), item.value(), body, body_size, ranges);
  }
  check_coverage(std::move(ranges), body_size);
  return file;
}

std::vector<float> Safetensors::floats(const std::string &name,
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
      refuse("tensor \"" + name + "\" has a weight that is not finite, at " +
             std::to_string(i));
  return out;
}

}  // namespace fastscnn
