// SPDX-License-Identifier: LGPL-2.1-or-later
// Which frames are inferred, when masks come out, and what the element reports.
#include <gst/controller/controller.h>

#include "tests/support/elements.h"
#include "tests/support/masks.h"

using namespace fastscnn::testing;

namespace {

constexpr GstClockTime kFrame = 40 * GST_MSECOND;
const std::string kCaps = caps_of("GRAY8", 64, 48);

/// The mean brightness of a class.
uint8_t grey_of(int id) {
  return static_cast<uint8_t>((2 * id + 1) * 255 / (2 * kClasses));
}

void check_carries(GstBuffer *frame, int id, GstClockTime age) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  g_assert_cmpint(class_in_centre(frame), ==, id);
  g_assert_cmpuint(meta->age, ==, age);
}

void test_interval() {
  FakeControl &control = reset_control();
  Stream stream("interval=2", kCaps);
  for (int i = 0; i < 7; i++) {
    const OwnedBuffer frame = stream.push(stream.make_frame(i, grey_of(i)));
    check_carries(frame, i / 3 * 3, i % 3 * kFrame);
  }
  g_assert_cmpint(control.segmented, ==, 3);
  g_assert_cmpuint(stream.stat("frames"), ==, 7);
  g_assert_cmpuint(stream.stat("inferred"), ==, 3);
  g_assert_cmpuint(stream.stat("reused"), ==, 4);
  g_assert_cmpuint(stream.stat("late"), ==, 0);

  // The property can be changed while PLAYING.
  g_object_set(stream.element, "interval", 0, nullptr);
  const OwnedBuffer frame = stream.push(stream.make_frame(7, grey_of(7)));
  check_carries(frame, 7, 0);
}

/// Without timestamps the age of a mask is unknown.
void test_untimed() {
  reset_control();
  Stream stream("interval=1", kCaps);
  for (GstClockTime age : {GstClockTime(0), GST_CLOCK_TIME_NONE}) {
    GstBuffer *frame = stream.make_frame(0, grey_of(3));
    GST_BUFFER_PTS(frame) = GST_CLOCK_TIME_NONE;
    check_carries(stream.push(frame), 3, age);
  }
}

/// A GAP buffer gets the mask of the frame before it.
void test_gap_buffer() {
  FakeControl &control = reset_control();
  Stream stream("", kCaps);
  for (int i = 0; i < 3; i++) {
    GstBuffer *sent = stream.make_frame(i, grey_of(2));
    GST_BUFFER_FLAG_SET(sent, GST_BUFFER_FLAG_GAP);
    const OwnedBuffer frame = stream.push(sent);
    check_carries(frame, 2, i * kFrame);
    g_assert_true(GST_BUFFER_FLAG_IS_SET(frame.get(), GST_BUFFER_FLAG_GAP));
  }
  g_assert_cmpint(control.segmented, ==, 1);
}

/// Rotated video causes a warning: the network does not recognise rotated
/// streets.
void test_orientation() {
  reset_control();
  Stream stream("", kCaps);
  const auto warning_for = [&stream](const char *orientation) {
    gst_harness_push_event(
        stream.harness, gst_event_new_tag(gst_tag_list_new(
                            GST_TAG_IMAGE_ORIENTATION, orientation, nullptr)));
    return stream.take_text(GST_MESSAGE_WARNING);
  };
  g_assert_true(warning_for("rotate-0").empty());
  g_assert_nonnull(strstr(warning_for("rotate-90").c_str(), "videoflip"));
  g_assert_true(warning_for("rotate-90").empty());  // once a stream
}

void test_flush() {
  FakeControl &control = reset_control();
  Stream stream("interval=100 smoothing=0.5", kCaps);
  stream.push(stream.make_frame(0, grey_of(1)));
  g_assert_cmpfloat_with_epsilon(control.smoothing, 0.5f, 1e-6f);
  const int resets = control.resets;
  stream.flush();
  const OwnedBuffer frame = stream.push(stream.make_frame(500, grey_of(6)));
  check_carries(frame, 6, 0);
  g_assert_cmpint(control.resets, ==, resets + 1);
}

void test_events_pass() {
  reset_control();
  for (const char *properties : {"async=false", "async=true"}) {
    Stream stream(properties, kCaps);
    stream.push(stream.make_frame(0));
    g_assert_true(gst_harness_push_event(stream.harness,
                                         gst_event_new_gap(kFrame, kFrame)));
    g_assert_true(gst_harness_push_event(stream.harness, gst_event_new_eos()));
    gchar *names = pull_event_names(stream.harness);
    g_assert_true(g_str_has_suffix(names, " gap eos "));
    g_free(names);
  }
}

/// Frames do not wait for an inference and carry the newest mask. The newest
/// frame is inferred next.
void test_async() {
  FakeControl &control = reset_control();
  Stream stream("async=true", kCaps);
  control.hold();
  for (int i = 0; i < 5; i++) {
    const OwnedBuffer frame = stream.push(stream.make_frame(i, grey_of(i)));
    g_assert_null(gst_buffer_get_class_mask_meta(frame));
    // No other owner: it can be drawn on without a copy.
    g_assert_true(gst_buffer_is_writable(frame.get()));
    wait_until([&] { return control.started == 1; });
  }
  control.release();
  wait_until([&] { return stream.stat("inferred") == 2; });

  control.hold();
  OwnedBuffer frame = stream.push(stream.make_frame(5, grey_of(5)));
  check_carries(frame, 4, kFrame);
  frame = stream.push(stream.make_frame(6, grey_of(6)));
  check_carries(frame, 4, 2 * kFrame);
  control.release();
  wait_until([&] { return stream.stat("inferred") >= 3; });
  g_assert_cmpuint(stream.stat("frames"), ==, 7);
  g_assert_cmpuint(stream.stat("reused"), ==, 2);
}

/// A frame may be overwritten as soon as it is pushed.
void test_async_copies() {
  FakeControl &control = reset_control();
  Stream stream("async=true", caps_of("I420", 37, 51));
  control.hold();
  for (int i = 0; i < 2; i++) {
    const OwnedBuffer frame = stream.push(stream.make_frame(i, grey_of(5)));
    gst_buffer_memset(frame, 0, 0, gst_buffer_get_size(frame));
  }
  control.release();
  wait_until([&] { return stream.stat("inferred") >= 1; });
  const OwnedBuffer frame = stream.push(stream.make_frame(2, grey_of(5)));
  g_assert_cmpint(class_in_centre(frame), ==, 5);
}

/// Masks of frames before a flush are not attached after it.
void test_async_flush() {
  FakeControl &control = reset_control();
  Stream stream("async=true", kCaps);
  control.hold();
  stream.push(stream.make_frame(0, grey_of(1)));
  wait_until([&] { return control.started == 1; });
  stream.push(stream.make_frame(1, grey_of(1)));
  stream.flush();
  control.release();
  wait_until([&] { return control.segmented == 1; });
  g_usleep(20000);
  g_assert_cmpint(control.started, ==, 1);
  const int resets = control.resets;
  const OwnedBuffer frame = stream.push(stream.make_frame(9, grey_of(6)));
  if (gst_buffer_get_class_mask_meta(frame)) check_carries(frame, 6, 0);
  wait_until([&] { return stream.stat("inferred") == 1; });
  g_assert_cmpint(control.resets, ==, resets + 1);
}

/// Caps change while a frame of the old caps is inferred.
void test_async_renegotiation() {
  FakeControl &control = reset_control();
  Stream stream("async=true");
  control.milliseconds = 5;
  int number = 0;
  for (const std::string &caps :
       {caps_of("GRAY8", 64, 48), caps_of("RGB", 320, 200),
        caps_of("NV12", 33, 99)})
    for (int i = 0; i < 20; i++) {
      if (i == 0) stream.set_caps(caps);
      const OwnedBuffer frame =
          stream.push(stream.make_frame(number++, grey_of(4)));
      if (GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame)) {
        g_assert_cmpint(meta->width, ==, GST_VIDEO_INFO_WIDTH(&stream.info));
        g_assert_cmpint(meta->height, ==, GST_VIDEO_INFO_HEIGHT(&stream.info));
        g_assert_cmpint(class_in_centre(frame), ==, 4);
      }
      g_usleep(1000);
    }
}

void send_qos(Stream &stream, GstClockTimeDiff jitter, GstClockTime time) {
  gst_harness_push_upstream_event(
      stream.harness,
      gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, jitter, time));
}

int count_qos_upstream(Stream &stream) {
  int count = 0;
  while (GstEvent *event =
             gst_harness_try_pull_upstream_event(stream.harness)) {
    count += GST_EVENT_TYPE(event) == GST_EVENT_QOS;
    gst_event_unref(event);
  }
  return count;
}

void test_qos() {
  FakeControl &control = reset_control();
  Stream stream("", kCaps);
  stream.push(stream.make_frame(0, grey_of(0)));
  // 60 ms late: frames up to 120 ms are too late for an inference.
  count_qos_upstream(stream);
  send_qos(stream, 60 * GST_MSECOND, 0);
  g_assert_cmpint(count_qos_upstream(stream), ==, 0);
  for (int i = 1; i < 6; i++) {
    const OwnedBuffer frame = stream.push(stream.make_frame(i, grey_of(i)));
    if (i <= 3)
      check_carries(frame, 0, i * kFrame);
    else
      check_carries(frame, i, 0);
  }
  g_assert_cmpint(control.segmented, ==, 3);
  g_assert_cmpuint(stream.stat("late"), ==, 3);
  for (int i = 1; i <= 3; i++) {
    GstMessage *message = stream.pop_message(GST_MESSAGE_QOS);
    g_assert_nonnull(message);
    GstFormat format;
    guint64 running_time, processed, dropped;
    gint64 jitter;
    gst_message_parse_qos(message, nullptr, &running_time, nullptr, nullptr,
                          nullptr);
    gst_message_parse_qos_values(message, &jitter, nullptr, nullptr);
    gst_message_parse_qos_stats(message, &format, &processed, &dropped);
    g_assert_cmpuint(running_time, ==, i * kFrame);
    g_assert_cmpint(jitter, ==, 60 * GST_MSECOND);
    g_assert_cmpint(format, ==, GST_FORMAT_BUFFERS);
    g_assert_cmpuint(processed, ==, 1);
    g_assert_cmpuint(dropped, ==, i);
    gst_message_unref(message);
  }
  g_assert_false(stream.has_message(GST_MESSAGE_QOS));

  // Upstream gets events of early frames, and of late ones without an inference
  // before them.
  send_qos(stream, -10 * GST_MSECOND, 5 * kFrame);
  g_assert_cmpint(count_qos_upstream(stream), ==, 1);
  send_qos(stream, 10 * GST_MSECOND, 5 * kFrame);
  g_assert_cmpint(count_qos_upstream(stream), ==, 0);
  send_qos(stream, 10 * GST_MSECOND, 6 * kFrame);
  g_assert_cmpint(count_qos_upstream(stream), ==, 1);
}

/// However late frames are, one per second is inferred.
void test_qos_always_late() {
  FakeControl &control = reset_control();
  Stream stream("", kCaps);
  for (int i = 0; i < 100; i++) {
    stream.push(stream.make_frame(i));
    send_qos(stream, GST_SECOND, i * kFrame);
  }
  g_assert_cmpuint(stream.stat("frames"), ==, 100);
  g_assert_cmpint(control.segmented, ==, 4);
}

void test_qos_off() {
  FakeControl &control = reset_control();
  Stream stream("qos=false", kCaps);
  stream.push(stream.make_frame(0));
  count_qos_upstream(stream);
  send_qos(stream, GST_SECOND, 0);
  g_assert_cmpint(count_qos_upstream(stream), ==, 1);
  stream.push(stream.make_frame(1));
  g_assert_cmpint(control.segmented, ==, 2);
}

void test_messages() {
  reset_control();
  Stream stream("post-messages=true interval=1", kCaps);
  for (int i = 0; i < 4; i++)
    stream.push(stream.make_frame(
        i, [](int x, int) { return grey_of(x < 16 ? 1 : 5); }));
  for (int i = 0; i < 4; i += 2) {
    GstMessage *message = stream.pop_message(GST_MESSAGE_ELEMENT);
    g_assert_nonnull(message);
    const GstStructure *s = gst_message_get_structure(message);
    g_assert_cmpstr(gst_structure_get_name(s), ==, "classmask");
    guint64 timestamp, stream_time, running_time, duration, age, unknown;
    int width, height;
    g_assert_true(gst_structure_get(
        s, "timestamp", G_TYPE_UINT64, &timestamp, "stream-time", G_TYPE_UINT64,
        &stream_time, "running-time", G_TYPE_UINT64, &running_time, "duration",
        G_TYPE_UINT64, &duration, "age", G_TYPE_UINT64, &age, "unknown",
        G_TYPE_UINT64, &unknown, "width", G_TYPE_INT, &width, "height",
        G_TYPE_INT, &height, nullptr));
    g_assert_cmpuint(timestamp, ==, i * kFrame);
    g_assert_cmpuint(stream_time, ==, i * kFrame);
    g_assert_cmpuint(running_time, ==, i * kFrame);
    g_assert_cmpuint(duration, ==, kFrame);
    g_assert_cmpuint(age, ==, 0);
    g_assert_cmpuint(unknown, ==, 0);
    g_assert_cmpint(width, ==, 64);
    g_assert_cmpint(height, ==, 48);
    g_assert_cmpstr(gst_structure_get_string(s, "model"), ==, "test");
    const GValue *labels = gst_structure_get_value(s, "labels");
    const GValue *pixels = gst_structure_get_value(s, "pixels");
    g_assert_cmpuint(gst_value_array_get_size(labels), ==, kClasses);
    g_assert_cmpuint(gst_value_array_get_size(pixels), ==, kClasses);
    for (guint id = 0; id < kClasses; id++) {
      const guint64 expected = id == 1 ? 16 * 48 : id == 5 ? 48 * 48 : 0;
      g_assert_cmpuint(
          g_value_get_uint64(gst_value_array_get_value(pixels, id)), ==,
          expected);
    }
    g_assert_cmpstr(g_value_get_string(gst_value_array_get_value(labels, 5)),
                    ==, "class5");
    const GValue *aliases = gst_structure_get_value(s, "aliases");
    const GValue *fifth = gst_value_array_get_value(aliases, 5);
    g_assert_cmpuint(gst_value_array_get_size(aliases), ==, kClasses);
    g_assert_cmpuint(gst_value_array_get_size(fifth), ==, 1);
    g_assert_cmpstr(g_value_get_string(gst_value_array_get_value(fifth, 0)), ==,
                    "fifth");
    gst_message_unref(message);
  }
  g_assert_false(stream.has_message(GST_MESSAGE_ELEMENT));
}

GstClockTime latency_of(Stream &stream, GstClockTime *max) {
  GstQuery *query = gst_query_new_latency();
  gboolean live;
  GstClockTime min;
  g_assert_true(gst_pad_peer_query(stream.harness->sinkpad, query));
  gst_query_parse_latency(query, &live, &min, max);
  gst_query_unref(query);
  g_assert_true(live);
  return min;
}

void test_latency() {
  FakeControl &control = reset_control();
  control.milliseconds = 12;
  for (bool async : {false, true}) {
    Stream stream(async ? "async=true" : "async=false");
    gst_harness_set_upstream_latency(stream.harness, 7 * GST_MSECOND);
    gst_harness_set_live(stream.harness, TRUE);
    stream.set_caps(kCaps);
    GstClockTime max;
    g_assert_cmpuint(latency_of(stream, &max), ==, 7 * GST_MSECOND);
    for (int i = 0; i < 3; i++) stream.push(stream.make_frame(i));
    const GstClockTime min = latency_of(stream, &max);
    // Frames wait for their inference unless it is asynchronous.
    if (async) {
      g_assert_cmpuint(min, ==, 7 * GST_MSECOND);
      g_assert_false(stream.has_message(GST_MESSAGE_LATENCY));
    } else {
      g_assert_cmpuint(min, >=, 19 * GST_MSECOND);
      g_assert_true(stream.has_message(GST_MESSAGE_LATENCY));
    }
    g_assert_cmpuint(max, >=, min);
  }
}

void test_stats() {
  FakeControl &control = reset_control();
  Stream stream("threads=3", kCaps);
  control.milliseconds = 3;
  for (int i = 0; i < 5; i++) stream.push(stream.make_frame(i));
  GstStructure *stats = stream.stats();
  g_assert_cmpstr(gst_structure_get_string(stats, "backend"), ==, "cpu");
  g_assert_cmpstr(gst_structure_get_string(stats, "device"), ==,
                  "fake cpu, 3 threads, fake auto");
  gst_structure_free(stats);
  for (const char *name :
       {"last-inference-time", "mean-inference-time", "p95-inference-time"})
    g_assert_cmpuint(stream.stat(name), >=, 3 * GST_MSECOND);
}

void test_fused() {
  reset_control();
  for (const char *fused : {"auto", "never"}) {
    const std::string launch = std::string("fused=") + fused;
    Stream stream(launch.c_str(), kCaps);
    stream.push(stream.make_frame(0));
    GstStructure *stats = stream.stats();
    g_assert_cmpstr(gst_structure_get_string(stats, "fused-blocks"), ==,
                    launch == "fused=auto" ? "first second" : "");
    gst_structure_free(stats);
  }
}

/// A controlled property follows the stream time of the frames.
void test_controlled() {
  FakeControl &control = reset_control();
  Stream stream("", kCaps);
  GstControlSource *source = gst_interpolation_control_source_new();
  auto *values = GST_TIMED_VALUE_CONTROL_SOURCE(source);
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(values, 0, 0.0);
  gst_timed_value_control_source_set(values, 10 * kFrame, 0.9);
  gst_object_add_control_binding(
      GST_OBJECT(stream.element),
      gst_direct_control_binding_new_absolute(GST_OBJECT(stream.element),
                                              "smoothing", source));
  gst_object_unref(source);
  for (int i = 0; i <= 10; i++) {
    stream.push(stream.make_frame(i));
    g_assert_cmpfloat_with_epsilon(control.smoothing, 0.09f * i, 1e-4f);
  }
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/stream/interval", test_interval);
  g_test_add_func("/stream/untimed", test_untimed);
  g_test_add_func("/stream/gap-buffer", test_gap_buffer);
  g_test_add_func("/stream/orientation", test_orientation);
  g_test_add_func("/stream/flush", test_flush);
  g_test_add_func("/stream/events-pass", test_events_pass);
  g_test_add_func("/stream/async", test_async);
  g_test_add_func("/stream/async-copies", test_async_copies);
  g_test_add_func("/stream/async-flush", test_async_flush);
  g_test_add_func("/stream/async-renegotiation", test_async_renegotiation);
  g_test_add_func("/stream/qos", test_qos);
  g_test_add_func("/stream/qos-always-late", test_qos_always_late);
  g_test_add_func("/stream/qos-off", test_qos_off);
  g_test_add_func("/stream/messages", test_messages);
  g_test_add_func("/stream/latency", test_latency);
  g_test_add_func("/stream/stats", test_stats);
  g_test_add_func("/stream/fused", test_fused);
  g_test_add_func("/stream/controlled", test_controlled);
  return g_test_run();
}
