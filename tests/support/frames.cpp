// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/frames.h"

#include <cstdio>
#include <cstdlib>
#include <algorithm>

#include "net/color.h"

namespace fastscnn::reference {
namespace {

enum class Color { kYuv, kRgb, kGray };

/// The layout of a component. Only the chroma of kYuv is subsampled.
struct Layout {
  int plane, offset, pixel_stride;
};

struct Format {
  const char *name;
  Color color;
  int shift_x, shift_y;
  Layout layout[3];
  int alpha = -1;
};

const Format kFormats[] = {
    {"NV12", Color::kYuv, 1, 1, {{0, 0, 1}, {1, 0, 2}, {1, 1, 2}}},
    {"NV21", Color::kYuv, 1, 1, {{0, 0, 1}, {1, 1, 2}, {1, 0, 2}}},
    {"I420", Color::kYuv, 1, 1, {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}}},
    {"YV12", Color::kYuv, 1, 1, {{0, 0, 1}, {2, 0, 1}, {1, 0, 1}}},
    {"YUY2", Color::kYuv, 1, 0, {{0, 0, 2}, {0, 1, 4}, {0, 3, 4}}},
    {"UYVY", Color::kYuv, 1, 0, {{0, 1, 2}, {0, 0, 4}, {0, 2, 4}}},
    {"RGB", Color::kRgb, 0, 0, {{0, 0, 3}, {0, 1, 3}, {0, 2, 3}}},
    {"BGR", Color::kRgb, 0, 0, {{0, 2, 3}, {0, 1, 3}, {0, 0, 3}}},
    {"RGBx", Color::kRgb, 0, 0, {{0, 0, 4}, {0, 1, 4}, {0, 2, 4}}},
    {"BGRx", Color::kRgb, 0, 0, {{0, 2, 4}, {0, 1, 4}, {0, 0, 4}}},
    {"xRGB", Color::kRgb, 0, 0, {{0, 1, 4}, {0, 2, 4}, {0, 3, 4}}},
    {"xBGR", Color::kRgb, 0, 0, {{0, 3, 4}, {0, 2, 4}, {0, 1, 4}}},
    {"RGBA", Color::kRgb, 0, 0, {{0, 0, 4}, {0, 1, 4}, {0, 2, 4}}, 3},
    {"BGRA", Color::kRgb, 0, 0, {{0, 2, 4}, {0, 1, 4}, {0, 0, 4}}, 3},
    {"ARGB", Color::kRgb, 0, 0, {{0, 1, 4}, {0, 2, 4}, {0, 3, 4}}, 0},
    {"ABGR", Color::kRgb, 0, 0, {{0, 3, 4}, {0, 2, 4}, {0, 1, 4}}, 0},
    {"GRAY8", Color::kGray, 0, 0, {{0, 0, 1}}},
};

const Format &find_format(const std::string &name) {
  for (const Format &f : kFormats)
    if (name == f.name) return f;
  std::fprintf(stderr, "no frame format %s\n", name.c_str());
  std::abort();
}

FrameInfo describe(const Format &format, int width, int height) {
  FrameInfo info;
  info.width = width;
  info.height = height;
  info.components = format.color == Color::kGray ? 1 : 3;
  info.alpha = format.alpha;
  for (int c = 0; c < info.components; c++) {
    const Layout &p = format.layout[c];
    Component &k = info.component[c];
    k.plane = p.plane;
    k.offset = p.offset;
    k.pixel_stride = p.pixel_stride;
    if (c > 0) {
      k.shift_x = format.shift_x;
      k.shift_y = format.shift_y;
      k.origin_y = format.shift_y ? 0.5f : 0.f;  // MPEG-2 siting
    }
    info.planes = std::max(info.planes, p.plane + 1);
    info.rows[p.plane] = component_height(info, c);
    // The last group of a packed row is complete, even if the width is odd.
    info.row_bytes[p.plane] = std::max(
        info.row_bytes[p.plane], component_width(info, c) * p.pixel_stride);
  }
  switch (format.color) {
    case Color::kYuv:
      info.to_rgb = yuv_to_rgb(0.299, 0.114, false);
      break;
    case Color::kRgb:
      info.to_rgb = rgb_to_rgb(true);
      break;
    case Color::kGray:
      info.to_rgb = gray_to_rgb(false);
      break;
  }
  return info;
}

}  // namespace

const std::vector<std::string> &frame_formats() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Format &f : kFormats) all.push_back(f.name);
    return all;
  }();
  return names;
}

TestFrame make_frame(const std::string &format, int width, int height,
                     int padding, bool flipped, Lcg &lcg) {
  TestFrame out;
  out.info = describe(find_format(format), width, height);
  size_t begin[kMaxPlanes], size = 0;
  for (int p = 0; p < out.info.planes; p++) {
    begin[p] = size;
    size += size_t(out.info.row_bytes[p] + padding) * out.info.rows[p];
  }
  out.bytes.resize(size);
  for (uint8_t &b : out.bytes) b = static_cast<uint8_t>(lcg.bits());
  for (int p = 0; p < out.info.planes; p++) {
    const int stride = out.info.row_bytes[p] + padding;
    out.frame.data[p] = out.bytes.data() + begin[p];
    out.frame.stride[p] = stride;
    if (flipped) {
      out.frame.data[p] += size_t(stride) * (out.info.rows[p] - 1);
      out.frame.stride[p] = -stride;
    }
  }
  return out;
}

Frame planes_in(uint8_t *bytes, const TestFrame &frame) {
  Frame out;
  for (int p = 0; p < frame.info.planes; p++) {
    out.data[p] = bytes + (frame.frame.data[p] - frame.bytes.data());
    out.stride[p] = frame.frame.stride[p];
  }
  return out;
}

}  // namespace fastscnn::reference
