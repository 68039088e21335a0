// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/frame.h"
#include "tests/support/reference.h"

namespace fastscnn::reference {

/// A frame in host memory, with the description that the plugin would give.
/// Not copied: frame points into bytes.
struct TestFrame {
  FrameInfo info;
  ConstFrame frame;
  std::vector<uint8_t> bytes;

  TestFrame() = default;
  TestFrame(const TestFrame &) = delete;
  TestFrame(TestFrame &&) = default;
};

/// Names of all formats of the elements' caps: "NV12", "RGB", ...
const std::vector<std::string> &frame_formats();

/// A frame of random bytes. padding: bytes at the end of each row that belong
/// to nobody; flipped: rows stand bottom up, strides are negative.
TestFrame make_frame(const std::string &format, int width, int height,
                     int padding, bool flipped, Lcg &lcg);

}  // namespace fastscnn::reference
