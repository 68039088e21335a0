// SPDX-License-Identifier: LGPL-2.1-or-later
// Which frames are too late for an inference, and the latency of inferences.
#include "gst/fastscnn/qostracker.h"

using fastscnn::QosTracker;

namespace {

constexpr GstClockTime kMs = GST_MSECOND;

void test_reported() {
  QosTracker tracker;
  tracker.start();
  g_assert_false(tracker.is_late(0, GST_CLOCK_TIME_NONE));
  tracker.inferred(0, true);
  tracker.update_latency(60 * kMs);
  g_assert_false(tracker.record({1.5, 60 * kMs}, 100 * kMs));
  g_assert_true(tracker.is_late(140 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_true(tracker.is_late(220 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_false(tracker.is_late(221 * kMs, GST_CLOCK_TIME_NONE));
  g_assert_cmpint(tracker.report().jitter, ==, 60 * kMs);
  // No inference delayed it: something else is slow.
  g_assert_true(tracker.record({1.5, 60 * kMs}, 140 * kMs));
  // Early.
  g_assert_true(tracker.record({0.5, -30 * GstClockTimeDiff(kMs)}, 180 * kMs));
  g_assert_false(tracker.is_late(180 * kMs, GST_CLOCK_TIME_NONE));
  tracker.flush();
  g_assert_false(tracker.is_late(0, GST_CLOCK_TIME_NONE));
}

/// After timestamps jump back, one frame per second is still inferred.
void test_jump_back() {
  QosTracker tracker;
  tracker.start();
  tracker.inferred(30 * GST_SECOND, true);
  tracker.record({1.5, 60 * kMs}, 30 * GST_SECOND);
  for (GstClockTime second = 0; second < 5; second++) {
    g_assert_false(tracker.is_late(second * GST_SECOND, GST_CLOCK_TIME_NONE));
    tracker.inferred(second * GST_SECOND, true);
    g_assert_true(
        tracker.is_late(second * GST_SECOND + 40 * kMs, GST_CLOCK_TIME_NONE));
  }
}

/// Asynchronous inference does not delay frames, so it is not to blame.
void test_blame() {
  QosTracker tracker;
  tracker.start();
  tracker.inferred(0, false);
  g_assert_true(tracker.record({1.5, kMs}, 0));
  tracker.inferred(0, true);
  g_assert_false(tracker.record({1.5, kMs}, 0));
}

/// QOS events of frames that queued behind an inference are not forwarded,
/// however many there are; those of later frames are.
void test_blame_of_a_queue() {
  QosTracker tracker;
  tracker.start();
  tracker.inferred(0, true);
  tracker.update_latency(100 * kMs);
  for (int ms = 0; ms <= 200; ms += 40)
    g_assert_false(tracker.record({1.5, 30 * kMs}, ms * kMs));
  g_assert_true(tracker.record({1.5, 30 * kMs}, 240 * kMs));
  tracker.inferred(280 * kMs, true);
  g_assert_true(tracker.record({0.5, -GstClockTimeDiff(kMs)}, 280 * kMs));
  g_assert_false(tracker.record({1.5, kMs}, 320 * kMs));
}

void test_latency() {
  QosTracker tracker;
  tracker.start();
  g_assert_cmpuint(tracker.latency(), ==, 0);
  g_assert_true(tracker.update_latency(12 * kMs));
  g_assert_cmpuint(tracker.latency(), ==, 20 * kMs);
  g_assert_false(tracker.update_latency(14 * kMs));
  g_assert_true(tracker.update_latency(16 * kMs));
  g_assert_cmpuint(tracker.latency(), ==, 25 * kMs);
  // The latency is reduced only after inferences have been much faster for a
  // long time.
  int times = 0;
  while (!tracker.update_latency(2 * kMs)) times++;
  g_assert_cmpint(times, >, 50);
  g_assert_cmpuint(tracker.latency(), ==, 10 * kMs);
}

/// A live source of 25 frames per second that arrive 100 ms late, and
/// inferences of 90 ms: the frames that queue behind an inference are skipped.
void test_waiting() {
  QosTracker tracker;
  tracker.start();
  GstClockTime now = 0;
  int inferred = 0;
  for (int i = 0; i < 250; i++) {
    const GstClockTime running_time = i * 40 * kMs;
    const GstClockTime arrives = running_time + 100 * kMs;
    now = MAX(now, arrives);
    if (!tracker.is_late(running_time, now)) {
      tracker.inferred(running_time, true);
      now += 90 * kMs;
      tracker.update_latency(90 * kMs);
      inferred++;
    }
    // The queue does not grow: frames leave within the reported latency.
    if (i > 0) g_assert_cmpuint(now, <=, arrives + tracker.latency());
  }
  g_assert_cmpint(inferred, >=, 80);
  g_assert_cmpint(inferred, <=, 84);
}

/// A constant delay does not count as late.
void test_constant_delay() {
  QosTracker tracker;
  tracker.start();
  tracker.update_latency(10 * kMs);
  for (int i = 0; i < 100; i++) {
    g_assert_false(
        tracker.is_late(i * 40 * kMs, i * 40 * kMs + 5 * GST_SECOND));
    tracker.inferred(i * 40 * kMs, true);
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
