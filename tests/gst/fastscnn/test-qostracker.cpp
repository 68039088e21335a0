// SPDX-License-Identifier: LGPL-2.1-or-later
// When a frame is too late to be looked at, and what latency that takes.
#include "gst/fastscnn/qostracker.h"

using fastscnn::Lateness;

namespace {

constexpr GstClockTime kMs = GST_MSECOND;

void test_reported() {
  Lateness lateness;
  lateness.start();
  g_assert_false(lateness.late(0, GST_CLOCK_TIME_NONE));
  lateness.looked_at(0, true);
  lateness.expect(60 * kMs);
  g_assert_false(lateness.record({1.5, 60 * kMs}, 100 * kMs));
  g_assert_true(lateness.late(140 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_true(lateness.late(220 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_false(lateness.late(221 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_cmpint(lateness.report().jitter, ==, 60 * kMs);
  // It did not wait behind a frame that was held: something else is slow.
  g_assert_true(lateness.record({1.5, 60 * kMs}, 140 * kMs));
  // Early.
  g_assert_true(lateness.record({0.5, -30 * GstClockTimeDiff(kMs)}, 180 * kMs));
  g_assert_false(lateness.late(180 * kMs, GST_CLOCK_TIME_NONE));
  lateness.flush();
  g_assert_false(lateness.late(0, GST_CLOCK_TIME_NONE));
}

/// Timestamps jump back: what was late then says little of now, and a frame a
/// second is looked at all the same.
void test_jump_back() {
  Lateness lateness;
  lateness.start();
  lateness.looked_at(30 * GST_SECOND, true);
  lateness.record({1.5, 60 * kMs}, 30 * GST_SECOND);
  for (GstClockTime second = 0; second < 5; second++) {
    g_assert_false(lateness.late(second * GST_SECOND, GST_CLOCK_TIME_NONE));
    lateness.looked_at(second * GST_SECOND, true);
    g_assert_true(
        lateness.late(second * GST_SECOND + 40 * kMs, GST_CLOCK_TIME_NONE));
  }
}

/// Beside the stream, no frame is held: inference is not to blame.
void test_blame() {
  Lateness lateness;
  lateness.start();
  lateness.looked_at(0, false);
  g_assert_true(lateness.record({1.5, kMs}, 0));
  lateness.looked_at(0, true);
  g_assert_false(lateness.record({1.5, kMs}, 0));
}

/// Nor is what is upstream to blame for the frames that waited behind one that
/// was held, however many of them are reported; it is for later ones.
void test_blame_of_a_queue() {
  Lateness lateness;
  lateness.start();
  lateness.looked_at(0, true);
  lateness.expect(100 * kMs);
  for (int ms = 0; ms <= 200; ms += 40)
    g_assert_false(lateness.record({1.5, 30 * kMs}, ms * kMs));
  g_assert_true(lateness.record({1.5, 30 * kMs}, 240 * kMs));
  lateness.looked_at(280 * kMs, true);
  g_assert_true(lateness.record({0.5, -GstClockTimeDiff(kMs)}, 280 * kMs));
  g_assert_false(lateness.record({1.5, kMs}, 320 * kMs));
}

void test_latency() {
  Lateness lateness;
  lateness.start();
  g_assert_cmpuint(lateness.latency(), ==, 0);
  g_assert_true(lateness.expect(12 * kMs));
  g_assert_cmpuint(lateness.latency(), ==, 20 * kMs);
  g_assert_false(lateness.expect(14 * kMs));
  g_assert_true(lateness.expect(16 * kMs));
  g_assert_cmpuint(lateness.latency(), ==, 25 * kMs);
  // Less only once it has been much less for long.
  int times = 0;
  while (!lateness.expect(2 * kMs)) times++;
  g_assert_cmpint(times, >, 50);
  g_assert_cmpuint(lateness.latency(), ==, 10 * kMs);
}

/// A live source of 25 frames a second that arrive 100 ms after they were
/// taken, and inferences of 90 ms: each frame that is looked at makes others
/// wait, which are not.
void test_waiting() {
  Lateness lateness;
  lateness.start();
  GstClockTime now = 0;
  int looked_at = 0;
  for (int i = 0; i < 250; i++) {
    const GstClockTime running_time = i * 40 * kMs;
    const GstClockTime arrives = running_time + 100 * kMs;
    now = MAX(now, arrives);
    if (!lateness.late(running_time, now)) {
      lateness.looked_at(running_time, true);
      now += 90 * kMs;
      lateness.expect(90 * kMs);
      looked_at++;
    }
    // Nothing piles up: out within the latency that was told.
    if (i > 0) g_assert_cmpuint(now, <=, arrives + lateness.latency());
  }
  g_assert_cmpint(looked_at, >=, 80);
  g_assert_cmpint(looked_at, <=, 84);
}

/// One that is always as late is not late.
void test_constant_delay() {
  Lateness lateness;
  lateness.start();
  lateness.expect(10 * kMs);
  for (int i = 0; i < 100; i++) {
    g_assert_false(lateness.late(i * 40 * kMs, i * 40 * kMs + 5 * GST_SECOND));
    lateness.looked_at(i * 40 * kMs, true);
  }
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/qostracker/reported", test_reported);
  g_test_add_func("/qostracker/jump-back", test_jump_back);
  g_test_add_func("/qostracker/blame", test_blame);
  g_test_add_func("/qostracker/blame-of-a-queue", test_blame_of_a_queue);
  g_test_add_func("/qostracker/latency", test_latency);
  g_test_add_func("/qostracker/waiting", test_waiting);
  g_test_add_func("/qostracker/constant-delay", test_constant_delay);
  return g_test_run();
}
