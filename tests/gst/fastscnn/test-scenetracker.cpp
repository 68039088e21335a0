// SPDX-License-Identifier: LGPL-2.1-or-later
// When a segment begins another scene, and how old a mask is then.
#include "gst/fastscnn/scenetracker.h"

using namespace fastscnn;

namespace {

FrameTime at(double stream, double running, double rate = 1.0) {
  FrameTime time;
  time.duration = 40 * GST_MSECOND;
  time.stream_time = static_cast<GstClockTime>(stream * GST_SECOND);
  time.running_time = static_cast<GstClockTime>(running * GST_SECOND);
  time.rate = rate;
  return time;
}

void test_segments() {
  SceneTracker tracker;
  tracker.new_segment();
  g_assert_false(tracker.is_new_scene(at(2, 0)));
  // Without a SEGMENT event, timestamps of cameras may jump.
  g_assert_false(tracker.is_new_scene(at(9, 7)));
  tracker.new_segment();
  g_assert_false(tracker.is_new_scene(at(9.04, 7.04)));
  tracker.new_segment();
  g_assert_true(tracker.is_new_scene(at(2, 7.08)));
  g_assert_false(tracker.is_new_scene(at(2.04, 7.12)));
  // A frame without a time does not count.
  tracker.new_segment();
  g_assert_false(tracker.is_new_scene(FrameTime()));
  g_assert_true(tracker.is_new_scene(at(6, 7.16)));
  tracker.reset();
  tracker.new_segment();
  g_assert_false(tracker.is_new_scene(at(50, 0)));
}

void test_age() {
  g_assert_cmpuint(time_between(at(2, 1), at(2.5, 1.5)), ==, GST_SECOND / 2);
  g_assert_cmpuint(time_between(at(2.5, 1.5), at(2, 1)), ==, GST_SECOND / 2);
  // A loop without a flush: 80 ms of running time, but four seconds apart.
  g_assert_cmpuint(time_between(at(6, 4), at(2, 4.08)), ==, 4 * GST_SECOND);
  // Twice as fast, two seconds of the stream take one.
  g_assert_cmpuint(time_between(at(2, 1, 2), at(4, 2, 2)), ==, GST_SECOND);
  g_assert_cmpuint(time_between(FrameTime(), at(4, 2)), ==,
                   GST_CLOCK_TIME_NONE);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/scenetracker/segments", test_segments);
  g_test_add_func("/scenetracker/age", test_age);
  return g_test_run();
}
