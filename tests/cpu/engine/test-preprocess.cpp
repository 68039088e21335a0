// SPDX-License-Identifier: LGPL-2.1-or-later
// Frame to network input, against the plain reference, on every instruction
// set.

#include <glib.h>

#include <cmath>
#include <string>
#include <vector>

#include "cpu/alignedbuffer.h"
#include "cpu/engine/preprocess.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/targets.h"

using namespace fastscnn;
using reference::Lcg;
using reference::Tensor;

namespace {

const float kMean[3] = {0.485f, 0.456f, 0.406f};
const float kStd[3] = {0.229f, 0.224f, 0.225f};

void check_frame(const reference::TestFrame &frame, int width, int height,
                 const std::string &what) {
  const Tensor expected = reference::preprocess(frame.info, frame.frame, width,
                                                height, kMean, kStd);
  const Preprocess preprocess(frame.info, width, height, kMean, kStd);
  AlignedBuffer scratch =
      must(AlignedBuffer::create(preprocess.scratch_size()));
  std::vector<float> row(3 * width);
  for (int y = 0; y < height; y++) {
    preprocess.row(frame.frame, y, scratch.data(), row.data());
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        if (!(std::abs(row[3 * x + c] - expected.at(c, y, x)) < 1e-4))
          g_error("%s: %c at %d, %d is %g instead of %g", what.c_str(),
                  "RGB"[c], x, y, row[3 * x + c], expected.at(c, y, x));
  }
}

void test_formats(gconstpointer data) {
  const std::string format = static_cast<const char *>(data);
  testing::on_every_target([&] {
    Lcg lcg(21);
    for (int i = 0; i < 12; i++) {
      // Every fourth frame has the size of the network input, others any size.
      const int width = 32 * lcg.between(1, 5);
      const int height = 32 * lcg.between(1, 3);
      const bool same = i % 4 == 0;
      const int frame_width = same ? width : lcg.between(16, 300);
      const int frame_height = same ? height : lcg.between(16, 200);
      const reference::TestFrame frame =
          reference::make_frame(format, frame_width, frame_height,
                                lcg.between(0, 20), lcg.between(0, 1), lcg);
      check_frame(frame, width, height,
                  format + " " + std::to_string(frame_width) + "x" +
                      std::to_string(frame_height) + " to " +
                      std::to_string(width) + "x" + std::to_string(height));
    }
  });
}

/// Frames that begin inside a block of subsampled pixels.
void test_crop() {
  Lcg lcg(22);
  reference::TestFrame frame =
      reference::make_frame("I420", 101, 67, 0, false, lcg);
  frame.info.width = 60;
  frame.info.height = 40;
  for (int c = 1; c < 3; c++) {
    frame.info.component[c].origin_x = -1;
    frame.info.component[c].origin_y = -0.5f;
  }
  frame.frame.data[0] += 1 + frame.frame.stride[0];
  check_frame(frame, 64, 32, "I420 from 1, 1");
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  for (const std::string &format : reference::frame_formats()) {
    const std::string path = "/cpu/preprocess/" + format;
    g_test_add_data_func(path.c_str(), format.c_str(), test_formats);
  }
  g_test_add_func("/cpu/preprocess/crop", test_crop);
  return g_test_run();
}
