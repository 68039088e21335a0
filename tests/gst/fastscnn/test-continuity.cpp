// SPDX-License-Identifier: LGPL-2.1-or-later
// The stream continues whatever frames, sizes and segments arrive, and nothing
// waits for a mask that does not come.
#include <atomic>
#include <cstdio>

#include "tests/support/elements.h"

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

void check_covers(GstBuffer *frame, guint width, guint height) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  g_assert_cmpint(meta->x, ==, 0);
  g_assert_cmpint(meta->y, ==, 0);
  g_assert_cmpuint(meta->width, ==, width);
  g_assert_cmpuint(meta->height, ==, height);
}

/// Waits for a mask of the newest frame pushed.
void wait_for_masks(Stream &stream, guint64 inferred) {
  wait_until([&] { return stream.stat("inferred") >= inferred; });
}

/// Bad frames pass, with the last mask, and the next good one is inferred.
void test_bad_frames() {
  for (const char *mode : {"async=false", "async=true"}) {
    FakeControl &control = reset_control();
    Stream stream(mode, kCaps);
    OwnedBuffer frame = stream.push(gst_buffer_new());
    g_assert_null(gst_buffer_get_class_mask_meta(frame));
    stream.push(stream.make_frame(0, grey_of(3)));
    wait_for_masks(stream, 1);
    for (int i = 1; i < 40; i++) {
      GstBuffer *sent = i % 2 ? gst_buffer_new()
                              : gst_buffer_new_allocate(nullptr, 100, nullptr);
      GST_BUFFER_FLAG_SET(sent, GST_BUFFER_FLAG_CORRUPTED);
      GST_BUFFER_PTS(sent) = i * kFrame;
      frame = stream.push(sent);
      g_assert_cmpuint(gst_buffer_get_size(frame), ==, i % 2 ? 0 : 100);
      check_carries(frame, 3, i * kFrame);
    }
    g_assert_cmpuint(stream.stat("corrupted"), ==, 40);
    g_assert_cmpuint(stream.stat("frames"), ==, 41);
    g_assert_cmpint(control.segmented, ==, 1);
    // One warning for all frames within a few seconds.
    g_assert_nonnull(strstr(stream.take_text(GST_MESSAGE_WARNING).c_str(),
                            "cannot be accessed"));
    g_assert_false(stream.has_message(GST_MESSAGE_WARNING));
    g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
    stream.push(stream.make_frame(40, grey_of(5)));
    wait_for_masks(stream, 2);
  }
}

void push_segment(Stream &stream, GstClockTime start, GstClockTime base) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = start;
  segment.base = base;
  gst_harness_push_event(stream.harness, gst_event_new_segment(&segment));
}

/// A seek without a flush: earlier masks do not belong to later frames.
void test_new_scene() {
  reset_control();
  Stream stream("interval=15", kCaps);
  push_segment(stream, 2 * GST_SECOND, 0);
  stream.push(stream.make_frame(50, grey_of(1)));
  OwnedBuffer frame = stream.push(stream.make_frame(51, grey_of(2)));
  check_carries(frame, 1, kFrame);
  // A segment that continues the stream keeps the mask.
  push_segment(stream, 2080 * GST_MSECOND, 2 * kFrame);
  frame = stream.push(stream.make_frame(52, grey_of(3)));
  check_carries(frame, 1, 2 * kFrame);
  push_segment(stream, 6 * GST_SECOND, 3 * kFrame);
  frame = stream.push(stream.make_frame(150, grey_of(6)));
  check_carries(frame, 6, 0);
  push_segment(stream, 2 * GST_SECOND, 4 * kFrame);
  frame = stream.push(stream.make_frame(50, grey_of(4)));
  check_carries(frame, 4, 0);
}

void test_new_scene_async() {
  FakeControl &control = reset_control();
  Stream stream("async=true", kCaps);
  push_segment(stream, 2 * GST_SECOND, 0);
  stream.push(stream.make_frame(50, grey_of(1)));
  wait_for_masks(stream, 1);
  control.hold();
  OwnedBuffer frame = stream.push(stream.make_frame(51, grey_of(1)));
  wait_until([&] { return control.started == 2; });
  push_segment(stream, 6 * GST_SECOND, 2 * kFrame);
  frame = stream.push(stream.make_frame(150, grey_of(6)));
  g_assert_null(gst_buffer_get_class_mask_meta(frame));
  control.release();
  wait_until([&] { return control.segmented == 3; });
  wait_for_masks(stream, 2);
  control.hold();  // otherwise the frame may have its own mask already
  frame = stream.push(stream.make_frame(151, grey_of(6)));
  check_carries(frame, 6, kFrame);
  control.release();
}

/// A mask that is being inferred when the size changes is used.
void test_size_change_async() {
  FakeControl &control = reset_control();
  Stream stream("async=true", kCaps);
  control.hold();
  stream.push(stream.make_frame(0, grey_of(3)));
  wait_until([&] { return control.started == 1; });
  stream.set_caps(caps_of("GRAY8", 128, 80));
  stream.push(stream.make_frame(1, grey_of(3)));
  control.release();
  wait_for_masks(stream, 2);
  stream.set_caps(caps_of("GRAY8", 96, 64));
  control.hold();
  const OwnedBuffer frame = stream.push(stream.make_frame(2, grey_of(5)));
  check_carries(frame, 3, kFrame);
  check_covers(frame, 96, 64);
  control.release();
}

/// A digital zoom: the size changes with every frame.
void test_every_size() {
  for (const char *mode : {"async=false", "async=true", "interval=4"}) {
    FakeControl &control = reset_control();
    Stream stream(mode, kCaps);
    stream.push(stream.make_frame(0, grey_of(2)));
    wait_for_masks(stream, 1);
    control.milliseconds = 5;
    for (int i = 1; i < 60; i++) {
      const int width = 64 + 2 * i;
      stream.set_caps(caps_of("GRAY8", width, 48 + i));
      const OwnedBuffer frame = stream.push(stream.make_frame(i, grey_of(2)));
      g_assert_cmpint(class_in_centre(frame), ==, 2);
      check_covers(frame, width, 48 + i);
    }
  }
}

/// A digital zoom by videocrop, with inferences that take several frames.
void test_moving_crop() {
  constexpr int kWidth = 640, kHeight = 360, kFrames = 150;
  FakeControl &control = reset_control();
  control.milliseconds = 25;
  const std::string caps = caps_of("GRAY8", kWidth, kHeight);
  const std::string line = "videocrop name=crop ! " +
                           fastscnn_line("async=true") + " ! classmaskjson";
  GstHarness *zoom = gst_harness_new_parse(line.c_str());
  gst_harness_set_src_caps_str(zoom, caps.c_str());
  GstElement *crop = gst_bin_get_by_name(GST_BIN(zoom->element), "crop");
  int lines = 0;
  for (int i = 0; i < kFrames; i++) {
    g_object_set(crop, "left", i, "top", i / 2, nullptr);
    GstBuffer *frame = make_frame(caps, 99);
    GST_BUFFER_PTS(frame) = i * kFrame;
    g_assert_cmpint(gst_harness_push(zoom, frame), ==, GST_FLOW_OK);
    g_usleep(5000);
    const OwnedBuffer text(gst_harness_try_pull(zoom));
    if (!text.get()) continue;
    lines++;
    const std::vector<uint8_t> bytes = bytes_of(text);
    const std::string json(bytes.begin(), bytes.end());
    const size_t covers = json.find("\"covers\"");
    int x, y, width, height;
    g_assert_cmpint(sscanf(json.c_str() + covers, "\"covers\":[%d,%d,%d,%d]",
                           &x, &y, &width, &height),
                    ==, 4);
    // The mask lies on the pixels that it was made from; left and top have
    // moved since.
    g_assert_cmpint(x, <=, 0);
    g_assert_cmpint(y, <=, 0);
    g_assert_cmpint(x + width, ==, kWidth - i);
    g_assert_cmpint(y + height, ==, kHeight - i / 2);
  }
  gst_object_unref(crop);
  gst_harness_teardown(zoom);
  g_assert_cmpint(lines, >, kFrames * 9 / 10);
}

/// If the source is not live, the first frame after a start, a flush or a
/// change of size waits for its mask.
void test_first_frame_waits() {
  FakeControl &control = reset_control();
  control.milliseconds = 20;
  Stream stream("async=true");
  gst_harness_set_live(stream.harness, FALSE);
  stream.set_caps(kCaps);
  OwnedBuffer frame = stream.push(stream.make_frame(0, grey_of(1)));
  check_carries(frame, 1, 0);
  control.hold();  // no other frame may wait
  frame = stream.push(stream.make_frame(1, grey_of(2)));
  check_carries(frame, 1, kFrame);
  control.release();
  stream.flush();
  frame = stream.push(stream.make_frame(9, grey_of(3)));
  check_carries(frame, 3, 0);
  stream.push(stream.make_frame(10, grey_of(3)));
  stream.set_caps(caps_of("RGB", 128, 80));
  frame = stream.push(stream.make_frame(11, grey_of(4)));
  check_carries(frame, 4, 0);
  // Sizes that change with every frame do not wait.
  control.hold();
  stream.set_caps(caps_of("RGB", 126, 80));
  frame = stream.push(stream.make_frame(12, grey_of(5)));
  check_carries(frame, 4, kFrame);
  control.release();
}

/// Plays a pipeline to its end.
void play(const std::string &line) {
  Element p(line);
  gst_element_set_state(p.element, GST_STATE_PLAYING);
  GstMessage *message = gst_bus_timed_pop_filtered(
      p.bus, 60 * GST_SECOND,
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  g_assert_nonnull(message);
  g_assert_cmpint(GST_MESSAGE_TYPE(message), ==, GST_MESSAGE_EOS);
  gst_message_unref(message);
}

const char *const kBranches[] = {"classmaskjson", "classmaskjson source=nobody",
                                 "classmaskextract",
                                 "classmaskextract source=nobody"};

/// A sink that gets nothing does not stop the others.
void test_branches_end() {
  FakeControl &control = reset_control();
  control.milliseconds = 300;
  for (const char *live : {"true", "false"})
    for (const char *mode : {"async=true", "async=false interval=9"})
      for (const char *branch : kBranches)
        play(std::string("videotestsrc num-buffers=12 is-live=") + live +
             " ! video/x-raw,width=1920,height=1080,framerate=25/1 ! " +
             fastscnn_line(mode) +
             " ! tee name=t t. ! queue max-size-buffers=2 ! fakesink t. ! "
             "queue max-size-buffers=2 ! " +
             branch + " ! fakesink");
}

void test_compositor_ends() {
  FakeControl &control = reset_control();
  control.milliseconds = 100;
  play("videotestsrc num-buffers=30 ! video/x-raw,width=320,height=240 ! " +
       fastscnn_line("async=true") +
       " ! tee name=t t. ! queue max-size-buffers=1 ! compositor name=c ! "
       "fakesink t. ! queue max-size-buffers=1 ! "
       "classmaskextract ! c.");
}

/// A muxer waits for each of its streams, here for audio and for frames or
/// masks, while another sink waits to preroll.
void test_audio_beside() {
  FakeControl &control = reset_control();
  control.milliseconds = 300;
  const struct {
    const char *live, *muxed, *beside;
  } cases[] = {
      {"true", "jpegenc", "classmaskjson"},
      {"false", "jpegenc", "classmaskjson"},
      {"true", "jpegenc", "classmaskjson source=nobody"},
      {"false", "jpegenc", "classmaskextract source=nobody"},
      {"false", "classmaskextract ! jpegenc", "identity"},
      {"false", "classmaskextract", "classmaskjson"},
      // Encoders and muxers do not continue at a GAP event.
      {"true", "classmaskextract on-missing=blank ! jpegenc", "identity"},
      {"false", "classmaskextract on-missing=blank source=nobody ! jpegenc",
       "identity"},
  };
  for (const auto &c : cases) {
    const std::string line =
        std::string(
            "matroskamux name=mux ! fakesink audiotestsrc "
            "num-buffers=25 is-live=") +
        c.live +
        " ! queue ! mux. videotestsrc num-buffers=12 is-live=" + c.live +
        " ! video/x-raw,width=320,height=240,framerate=25/1 ! " +
        fastscnn_line("async=true") +
        " ! tee name=t t. ! queue max-size-buffers=2 ! " + c.beside +
        " ! fakesink t. ! queue max-size-buffers=2 ! " + c.muxed + " ! mux.";
    g_test_message("%s", line.c_str());
    play(line);
  }
}

/// A single frame also gets its mask.
void test_still_picture() {
  FakeControl &control = reset_control();
  control.milliseconds = 100;
  Element p("videotestsrc num-buffers=1 ! video/x-raw,width=320,height=240 ! " +
            fastscnn_line("async=true") + " ! classmaskjson ! appsink name=s");
  GstElement *sink = gst_bin_get_by_name(GST_BIN(p.element), "s");
  gst_element_set_state(p.element, GST_STATE_PLAYING);
  GstSample *sample = nullptr;
  g_signal_emit_by_name(sink, "try-pull-sample", 30 * GST_SECOND, &sample);
  g_assert_nonnull(sample);
  gst_sample_unref(sample);
  gst_object_unref(sink);
}

void test_seek_in_paused() {
  FakeControl &control = reset_control();
  control.milliseconds = 20;
  for (const char *branch : kBranches) {
    Element p("videotestsrc ! video/x-raw,width=320,height=240 ! " +
              fastscnn_line("async=true") +
              " ! tee name=t t. ! queue ! fakesink t. ! queue ! " + branch +
              " ! fakesink");
    gst_element_set_state(p.element, GST_STATE_PAUSED);
    for (int i = 0; i < 4; i++) {
      g_assert_cmpint(
          gst_element_get_state(p.element, nullptr, nullptr, 30 * GST_SECOND),
          ==, GST_STATE_CHANGE_SUCCESS);
      g_assert_true(gst_element_seek_simple(p.element, GST_FORMAT_TIME,
                                            GST_SEEK_FLAG_FLUSH,
                                            (3 * i + 1) * GST_SECOND));
    }
  }
}

/// A refusal of caps names them, and says what to do.
void test_refused_caps() {
  reset_control();
  const struct {
    std::string caps;
    const char *remedy;
  } cases[] = {
      {caps_of("P010_10LE", 64, 64), "put videoconvert in front"},
      {caps_of("RGB", 9000, 100), "put videoscale in front"},
      {"video/x-raw(memory:GLMemory),format=RGBA,width=64,height=64,"
       "framerate=25/1",
       "gldownload"},
      {"video/x-h264,width=64,height=64", "put a decoder"},
  };
  for (const auto &c : cases) {
    Stream stream("", kCaps);
    stream.push(stream.make_frame(0));
    GstCaps *caps = gst_caps_from_string(c.caps.c_str());
    gst_harness_push_event(stream.harness, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    const std::string text = stream.take_text(GST_MESSAGE_WARNING);
    g_assert_nonnull(strstr(text.c_str(), "does not accept the caps"));
    g_assert_nonnull(strstr(text.c_str(), c.remedy));
  }
  Element p("fakesrc num-buffers=2 sizetype=fixed ! " + fastscnn_line("") +
            " ! fakesink");
  gst_element_set_state(p.element, GST_STATE_PLAYING);
  GstMessage *message =
      gst_bus_timed_pop_filtered(p.bus, 30 * GST_SECOND, GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  GError *error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  g_assert_nonnull(strstr(error->message, "put a decoder"));
  g_error_free(error);
  gst_message_unref(message);
}

std::atomic<int> masks_logged{0}, skips_logged{0}, caps_logged{0};

/// GST_DEBUG=fastscnn:6 logs what happens to a frame, and why.
void test_log() {
  reset_control();
  gst_debug_set_threshold_for_name("fastscnn", GST_LEVEL_LOG);
  const auto log = [](GstDebugCategory *category, GstDebugLevel, const gchar *,
                      const gchar *, gint, GObject *, GstDebugMessage *message,
                      gpointer) {
    if (!g_str_equal(gst_debug_category_get_name(category), "fastscnn")) return;
    const gchar *text = gst_debug_message_get(message);
    caps_logged += strstr(text, "64x48 pixels") != nullptr;
    masks_logged += strstr(text, "gets the mask of frame") != nullptr;
    skips_logged += strstr(text, "not inferred: between two") != nullptr;
  };
  gst_debug_set_active(TRUE);
  (gst_debug_remove_log_function)(nullptr);  // the default
  (gst_debug_add_log_function)(log, nullptr, nullptr);
  {
    Stream stream("interval=1", kCaps);
    for (int i = 0; i < 4; i++) stream.push(stream.make_frame(i));
  }
  (gst_debug_remove_log_function)(log);
  gst_debug_unset_threshold_for_name("fastscnn");
  (gst_debug_add_log_function)(nullptr, nullptr, nullptr);
  g_assert_cmpint(caps_logged, >=, 1);
  g_assert_cmpint(masks_logged, ==, 4);
  g_assert_cmpint(skips_logged, ==, 2);
}

/// Successful negotiation posts no warning.
void test_no_false_alarm() {
  reset_control();
  Element p(
      "videotestsrc num-buffers=3 ! video/x-raw,format=I420_10LE ! "
      "videoconvert ! " +
      fastscnn_line("") + " ! videoconvert ! fakesink");
  gst_element_set_state(p.element, GST_STATE_PLAYING);
  GstMessage *message = gst_bus_timed_pop_filtered(
      p.bus, 30 * GST_SECOND,
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR |
                                  GST_MESSAGE_WARNING));
  g_assert_nonnull(message);
  g_assert_cmpint(GST_MESSAGE_TYPE(message), ==, GST_MESSAGE_EOS);
  gst_message_unref(message);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/continuity/bad-frames", test_bad_frames);
  g_test_add_func("/continuity/new-scene", test_new_scene);
  g_test_add_func("/continuity/new-scene-async", test_new_scene_async);
  g_test_add_func("/continuity/size-change-async", test_size_change_async);
  g_test_add_func("/continuity/every-size", test_every_size);
  g_test_add_func("/continuity/moving-crop", test_moving_crop);
  g_test_add_func("/continuity/first-frame-waits", test_first_frame_waits);
  g_test_add_func("/continuity/branches-end", test_branches_end);
  g_test_add_func("/continuity/compositor-ends", test_compositor_ends);
  g_test_add_func("/continuity/audio-beside", test_audio_beside);
  g_test_add_func("/continuity/still-picture", test_still_picture);
  g_test_add_func("/continuity/seek-in-paused", test_seek_in_paused);
  g_test_add_func("/continuity/refused-caps", test_refused_caps);
  g_test_add_func("/continuity/log", test_log);
  g_test_add_func("/continuity/no-false-alarm", test_no_false_alarm);
  return g_test_run();
}
