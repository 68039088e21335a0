// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/frame.h"
#include "tests/support/reference.h"

namespace fastscnn::reference {

/// A frame in host memory, described as the plugin would. `frame` points into
/// `bytes`, so it cannot be copied.
struct TestFrame {
  FrameInfo info;
  ConstFrame frame;
  std::vector<uint8_t> bytes;

  TestFrame() = default;
  TestFrame(const TestFrame &) = delete;
  TestFrame(TestFrame &&) = default;
};

/// The names of all formats in the caps of the elements: "NV12", "RGB", ...
const std::vector<std::string> &frame_formats();

/// A frame of random bytes. padding: unused bytes at the end of each row;
/// flipped: stored bottom up, with negative strides.
TestFrame make_frame(const std::string &format, int width, int height,
                     int padding, bool flipped, Lcg &lcg);

/// The planes of a frame in `bytes`, a copy of its bytes.
Frame planes_in(uint8_t *bytes, const TestFrame &frame);

}  // namespace fastscnn::reference
