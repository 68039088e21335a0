// SPDX-License-Identifier: LGPL-2.1-or-later
// When a frame is too late to be looked at, and what latency that takes.
#include "gst/fastscnn/qostracker.h"

using fastscnn::QosTracker;

namespace {

constexpr GstClockTime kMs = GST_MSECOND;

void test_reported() {
  QosTracker qos_tracker;
  qos_tracker.start();
  g_assert_false(qos_tracker.late(0, GST_CLOCK_TIME_NONE));
  qos_tracker.inferred(0, true);
  qos_tracker.expect(60 * kMs);
  g_assert_false(qos_tracker.record({1.5, 60 * kMs}, 100 * kMs));
  g_assert_true(qos_tracker.late(140 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_true(qos_tracker.late(220 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_false(qos_tracker.late(221 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_cmpint(qos_tracker.report().jitter, ==, 60 * kMs);
  // It did not wait behind a frame that was held: something else is slow.
  g_assert_true(qos_tracker.record({1.5, 60 * kMs}, 140 * kMs));
  // Early.
  g_assert_true(qos_tracker.record({0.5, -30 * GstClockTimeDiff(kMs)}, 180 * kMs));
  g_assert_false(qos_tracker.late(180 * kMs, GST_CLOCK_TIME_NONE));
  qos_tracker.flush();
  g_assert_false(qos_tracker.late(0, GST_CLOCK_TIME_NONE));
}

/// Timestamps jump back: what was late then says little of now, and a frame a
/// second is looked at all the same.
void test_jump_back() {
  QosTracker qos_tracker;
  qos_tracker.start();
  qos_tracker.inferred(30 * GST_SECOND, true);
  qos_tracker.record({1.5, 60 * kMs}, 30 * GST_SECOND);
  for (GstClockTime second = 0; second < 5; second++) {
    g_assert_false(qos_tracker.late(second * GST_SECOND, GST_CLOCK_TIME_NONE));
    qos_tracker.inferred(second * GST_SECOND, true);
    g_assert_true(
        qos_tracker.late(second * GST_SECOND + 40 * kMs, GST_CLOCK_TIME_NONE));
  }
}

/// Beside the stream, no frame is held: inference is not to blame.
void test_blame() {
  QosTracker qos_tracker;
  qos_tracker.start();
  qos_tracker.inferred(0, false);
  g_assert_true(qos_tracker.record({1.5, kMs}, 0));
  qos_tracker.inferred(0, true);
  g_assert_false(qos_tracker.record({1.5, kMs}, 0));
}

/// Nor is what is upstream to blame for the frames that waited behind one that
/// was held, however many of them are reported; it is for later ones.
void test_blame_of_a_queue() {
  QosTracker qos_tracker;
  qos_tracker.start();
  qos_tracker.inferred(0, true);
  qos_tracker.expect(100 * kMs);
  for (int ms = 0; ms <= 200; ms += 40)
    g_assert_false(qos_tracker.record({1.5, 30 * kMs}, ms * kMs));
  g_assert_true(qos_tracker.record({1.5, 30 * kMs}, 240 * kMs));
  qos_tracker.inferred(280 * kMs, true);
  g_assert_true(qos_tracker.record({0.5, -GstClockTimeDiff(kMs)}, 280 * kMs));
  g_assert_false(qos_tracker.record({1.5, kMs}, 320 * kMs));
}

void test_latency() {
  QosTracker qos_tracker;
  qos_tracker.start();
  g_assert_cmpuint(qos_tracker.latency(), ==, 0);
  g_assert_true(qos_tracker.expect(12 * kMs));
  g_assert_cmpuint(qos_tracker.latency(), ==, 20 * kMs);
  g_assert_false(qos_tracker.expect(14 * kMs));
  g_assert_true(qos_tracker.expect(16 * kMs));
  g_assert_cmpuint(qos_tracker.latency(), ==, 25 * kMs);
  // Less only once it has been much less for long.
  int times = 0;
  while (!qos_tracker.expect(2 * kMs)) times++;
  g_assert_cmpint(times, >, 50);
  g_assert_cmpuint(qos_tracker.latency(), ==, 10 * kMs);
}

/// A live source of 25 frames a second that arrive 100 ms after they were
/// taken, and inferences of 90 ms: each frame that is looked at makes others
/// wait, which are not.
void test_waiting() {
  QosTracker qos_tracker;
  qos_tracker.start();
  GstClockTime now = 0;
  int inferred = 0;
  for (int i = 0; i < 250; i++) {
    const GstClockTime running_time = i * 40 * kMs;
    const GstClockTime arrives = running_time + 100 * kMs;
    now = MAX(now, arrives);
    if (!qos_tracker.late(running_time, now)) {
      qos_tracker.inferred(running_time, true);
      now += 90 * kMs;
      qos_tracker.expect(90 * kMs);
      inferred++;
    }
    // Nothing piles up: out within the latency that was told.
    if (i > 0) g_assert_cmpuint(now, <=, arrives + qos_tracker.latency());
  }
  g_assert_cmpint(inferred, >=, 80);
  g_assert_cmpint(inferred, <=, 84);
}

/// One that is always as late is not late.
void test_constant_delay() {
  QosTracker qos_tracker;
  qos_tracker.start();
  qos_tracker.expect(10 * kMs);
  for (int i = 0; i < 100; i++) {
    g_assert_false(qos_tracker.late(i * 40 * kMs, i * 40 * kMs + 5 * GST_SECOND));
    qos_tracker.inferred(i * 40 * kMs, true);
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
