// SPDX-License-Identifier: LGPL-2.1-or-later
// Logits to mask, against the plain reference, on every instruction set.

#include <glib.h>

#include <cmath>
#include <string>
#include <vector>

#include "cpu/engine/classify.h"
#include "net/engine.h"
#include "tests/support/cputensors.h"
#include "tests/support/targets.h"

using namespace fastscnn;
using reference::Lcg;
using reference::Tensor;

namespace {

void check_mask(const Tensor &logits, int width, int height, bool align_corners,
                float threshold, bool with_confidence,
                const std::string &what) {
  const reference::Classes expected =
      reference::classify(logits, width, height, align_corners, threshold);
  const int pitch = round_up(logits.width, kCacheLine) + kCacheLine;
  const AlignedBuffer rows = testing::to_rows(logits, pitch);
  const Logits grid = {rows.data(), logits.channels, logits.width,
                       logits.height, pitch};
  Classify classify(grid, width, height, align_corners);
  AlignedBuffer scratch = must(AlignedBuffer::create(classify.scratch_size()));
  for (int y = 0; y < logits.height; y++)
    classify.prefilter(rows.data(), y, scratch.data());
  constexpr uint8_t kGuard = 77;
  std::vector<uint8_t> ids(width + 1), confidence(width + 1);
  for (int y = 0; y < height; y++) {
    ids[width] = confidence[width] = kGuard;
    classify.row(rows.data(), y, threshold, false, scratch.data(), ids.data(),
                 with_confidence ? confidence.data() : nullptr);
    std::vector<uint8_t> sooner(ids);
    classify.row(rows.data(), y, threshold, true, scratch.data(), sooner.data(),
                 nullptr);
    g_assert_cmpmem(ids.data(), ids.size(), sooner.data(), sooner.size());
    for (int x = 0; x < width; x++) {
      const size_t p = size_t(y) * width + x;
      const bool close = expected.margin[p] < 1e-5 ||
                         std::abs(expected.probability[p] - threshold) < 1e-5;
      if (ids[x] != expected.ids[p] && !close)
        g_error("%s: %d, %d is %d instead of %d, which leads by %g",
                what.c_str(), x, y, ids[x], expected.ids[p],
                expected.margin[p]);
      if (with_confidence &&
          std::abs(confidence[x] - expected.confidence[p]) > 1)
        g_error("%s: confidence at %d, %d is %d instead of %d", what.c_str(), x,
                y, confidence[x], expected.confidence[p]);
    }
    g_assert_cmpint(ids[width], ==, kGuard);
    g_assert_cmpint(confidence[width], ==, kGuard);
  }
}

/// Areas of one class, as in real masks, with noise on top.
Tensor random_logits(Lcg &lcg, int classes, int height, int width) {
  Tensor logits(classes, height, width);
  const int period = lcg.between(1, 6);
  for (int c = 0; c < classes; c++)
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++)
        logits.at(c, y, x) =
            lcg.uniform() +
            ((x / period + 3 * (y / period)) % classes == c ? 4 : 0);
  return logits;
}

void test_mask() {
  testing::on_every_target([] {
    Lcg lcg(23);
    const int classes[] = {19, 1, 2, 11, 40, kMaxClasses};
    for (int i = 0; i < 48; i++) {
      const Tensor logits = random_logits(
          lcg, classes[i % 6], lcg.between(1, 12), lcg.between(1, 40));
      const bool align_corners = lcg.between(0, 1);
      // The size of the grid, eight times that, or any size, even smaller.
      int width = logits.width, height = logits.height;
      if (i % 4 == 1) width *= 8, height *= 8;
      if (i % 4 > 1) width = lcg.between(1, 200), height = lcg.between(1, 90);
      const float threshold = lcg.between(0, 1) ? 0.f : 0.6f;
      check_mask(logits, width, height, align_corners, threshold,
                 lcg.between(0, 1),
                 std::to_string(logits.channels) + " classes, " +
                     std::to_string(logits.width) + "x" +
                     std::to_string(logits.height) + " to " +
                     std::to_string(width) + "x" + std::to_string(height) +
                     (align_corners ? ", corners aligned" : ""));
    }
  });
}

/// The lowest of equal classes wins, also where the values are only equal
/// between the points of the grid.
void test_ties() {
  testing::on_every_target([] {
    Tensor logits(5, 3, 4);
    for (int y = 0; y < 3; y++)
      for (int x = 0; x < 4; x++) {
        logits.at(0, y, x) = -1;
        for (int c = 1; c < 5; c++) logits.at(c, y, x) = float(x - y);
      }
    for (bool align_corners : {false, true}) {
      check_mask(logits, 33, 21, align_corners, 0, true, "ties");
      const int pitch = 2 * kCacheLine;
      const AlignedBuffer rows = testing::to_rows(logits, pitch);
      const Classify classify({rows.data(), 5, 4, 3, pitch}, 33, 21,
                              align_corners);
      AlignedBuffer scratch =
          must(AlignedBuffer::create(classify.scratch_size()));
      std::vector<uint8_t> ids(33);
      for (int y = 0; y < 21; y++) {
        classify.row(rows.data(), y, 0, false, scratch.data(), ids.data(),
                     nullptr);
        for (int x = 0; x < 33; x++) g_assert_cmpint(ids[x], <=, 1);
      }
    }
  });
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/classify/mask", test_mask);
  g_test_add_func("/cpu/classify/ties", test_ties);
  return g_test_run();
}
