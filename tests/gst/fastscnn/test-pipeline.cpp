// SPDX-License-Identifier: LGPL-2.1-or-later
// The element among others, in running pipelines.
#include <atomic>

#include "tests/support/elements.h"

using namespace fastscnn::testing;

namespace {

struct Pipeline : Element {
  using Element::Element;

  /// Plays until EOS; recalculates the latency like an application.
  void run() {
    gst_element_set_state(element, GST_STATE_PLAYING);
    for (;;) {
      GstMessage *message = gst_bus_timed_pop(bus, 30 * GST_SECOND);
      g_assert_nonnull(message);
      const GstMessageType type = GST_MESSAGE_TYPE(message);
      g_assert_cmpint(type, !=, GST_MESSAGE_ERROR);
      if (type == GST_MESSAGE_LATENCY)
        gst_bin_recalculate_latency(GST_BIN(element));
      gst_message_unref(message);
      if (type == GST_MESSAGE_EOS) return;
    }
  }

  /// The element of that name. Borrowed.
  GstElement *get(const char *name) const {
    GstElement *found = gst_bin_get_by_name(GST_BIN(element), name);
    g_assert_nonnull(found);
    gst_object_unref(found);
    return found;
  }

  guint64 stat(const char *of, const char *name) const {
    GstStructure *stats = nullptr;
    guint64 value = 0;
    g_object_get(get(of), "stats", &stats, nullptr);
    g_assert_true(gst_structure_get_uint64(stats, name, &value));
    gst_structure_free(stats);
    return value;
  }
};

std::string scnn(const std::string &properties) {
  return fastscnn_line("name=scnn " + properties);
}

/// Elements that scale and convert keep the meta; its rectangle follows the
/// frame.
void test_scaled_and_converted() {
  reset_control();
  const std::string line =
      scnn("") +
      " ! videoscale add-borders=false ! videoconvert ! capsfilter "
      "caps=video/x-raw,format=RGB,width=160,height=24";
  GstHarness *h = gst_harness_new_parse(line.c_str());
  gst_harness_set_src_caps_str(h, caps_of("NV12", 64, 48).c_str());
  GstBuffer *frame = gst_buffer_new_allocate(nullptr, 64 * 48 * 3 / 2, nullptr);
  gst_buffer_memset(frame, 0, 235, 64 * 48);
  gst_buffer_memset(frame, 64 * 48, 128, 64 * 24);
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
  frame = gst_harness_pull(h);
  g_assert_cmpuint(gst_buffer_get_size(frame), ==, 160 * 24 * 3);
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  g_assert_cmpint(meta->x, ==, 0);
  g_assert_cmpint(meta->y, ==, 0);
  g_assert_cmpuint(meta->width, ==, 160);
  g_assert_cmpuint(meta->height, ==, 24);
  g_assert_cmpint(class_in_centre(frame), ==, kClasses - 1);
  g_assert_cmpuint(gst_buffer_get_video_meta(meta->mask)->width, ==, 64);
  gst_buffer_unref(frame);
  gst_harness_teardown(h);
}

void count_masks(GstElement *, GstBuffer *buffer, GstPad *, gpointer count) {
  if (gst_buffer_get_class_mask_meta(buffer))
    ++*static_cast<std::atomic<int> *>(count);
}

/// Counts in mask and JSON match the pixels.
void test_counts() {
  reset_control();
  const Stream stream("confidence-threshold=0.5", caps_of("GRAY8", 64, 48));
  const OwnedBuffer frame = stream.push(stream.make_frame(
      0, [](int x, int) -> uint8_t { return x < 16 ? 20 : 250; }));
  guint64 counts[256], expected[256] = {};
  const GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  for (uint8_t id : pixels_of(meta->mask)) expected[id]++;
  g_assert_true(gst_class_mask_meta_count_pixels(meta, counts));
  g_assert_cmpmem(counts, sizeof counts, expected, sizeof expected);

  const Harness json("classmaskjson", caps_of("GRAY8", 64, 48));
  const std::vector<uint8_t> line = bytes_of(json.push(gst_buffer_ref(frame)));
  const std::string text(line.begin(), line.end());
  g_assert_nonnull(strstr(text.c_str(), "\"unknown\":{\"pixels\":768,"));
  g_assert_nonnull(strstr(text.c_str(), "\"class7\",\"pixels\":2304,"));
}

/// Only one branch of a tee gets masks.
void test_tee() {
  reset_control();
  Pipeline p("videotestsrc num-buffers=30 ! tee name=t ! queue ! " + scnn("") +
             " ! fakesink name=with signal-handoffs=true sync=false t. ! "
             "queue ! fakesink name=without signal-handoffs=true sync=false");
  std::atomic<int> with{0}, without{0};
  g_signal_connect(p.get("with"), "handoff", G_CALLBACK(count_masks), &with);
  g_signal_connect(p.get("without"), "handoff", G_CALLBACK(count_masks),
                   &without);
  p.run();
  g_assert_cmpint(with, ==, 30);
  g_assert_cmpint(without, ==, 0);
}

/// Masks are placed in the visible part of a frame. The elements downstream
/// decide whether videocrop cuts frames or attaches a GstVideoCropMeta.
void test_crop() {
  reset_control();
  for (const char *more :
       {"", "t. ! queue ! classmaskextract ! fakesink",
        "t. ! queue ! videoconvert ! video/x-raw,format=RGB ! fakesink",
        "t. ! queue ! videoscale ! fakesink"}) {
    const Pipeline p(
        "videotestsrc num-buffers=1 ! video/x-raw,width=640,height=360 ! "
        "videocrop left=100 top=40 ! " +
        scnn("") + " ! tee name=t t. ! queue ! classmaskjson ! appsink " +
        "name=out " + more);
    GstSample *sample = nullptr;
    gst_element_set_state(p.element, GST_STATE_PLAYING);
    g_signal_emit_by_name(p.get("out"), "try-pull-sample", 30 * GST_SECOND,
                          &sample);
    g_assert_nonnull(sample);
    const std::vector<uint8_t> line = bytes_of(gst_sample_get_buffer(sample));
    const std::string text(line.begin(), line.end());
    g_test_message("%s: %s", more, text.c_str());
    g_assert_nonnull(strstr(text.c_str(), "\"covers\":[0,0,540,320],"));
    gst_sample_unref(sample);
  }
}

/// Although inference is slower than the stream, the sink gets every frame in
/// time, from live sources and from files.
void test_no_frame_lost() {
  FakeControl &control = control_of("cpu");
  for (const char *live : {"true", "false"})
    for (const char *mode : {"async=false", "async=true"}) {
      control.reset();
      control.milliseconds = 90;
      Pipeline p(std::string("videotestsrc num-buffers=50 is-live=") + live +
                 " ! video/x-raw,framerate=25/1,width=64,height=48 ! " +
                 scnn(mode) +
                 " ! fakesink name=sink sync=true qos=true "
                 "max-lateness=1000000000");
      p.run();
      g_assert_cmpuint(p.stat("sink", "rendered"), ==, 50);
      g_assert_cmpuint(p.stat("sink", "dropped"), ==, 0);
      g_assert_cmpuint(p.stat("scnn", "frames"), ==, 50);
      g_assert_cmpuint(p.stat("scnn", "inferred"), >, 2);
      g_assert_cmpuint(p.stat("scnn", "inferred"), <, 40);
    }
  control.reset();
}

/// Nothing hangs after seeks, pauses and stops at any time.
void test_seeks_and_states() {
  FakeControl &control = reset_control();
  control.milliseconds = 3;
  for (const char *mode :
       {"async=false", "async=true", "interval=3 smoothing=0.5"}) {
    Pipeline p("videotestsrc ! video/x-raw,width=64,height=48 ! " + scnn(mode) +
               " ! queue ! fakesink sync=false");
    GRand *random = g_rand_new_with_seed(7);
    for (int i = 0; i < 40; i++) {
      const GstState states[] = {
          GST_STATE_PLAYING, GST_STATE_PLAYING, GST_STATE_PAUSED,
          i % 10 == 9 ? GST_STATE_NULL : GST_STATE_PLAYING};
      const GstState state = states[g_rand_int_range(random, 0, 4)];
      gst_element_set_state(p.element, state);
      if (state == GST_STATE_NULL) continue;
      g_assert_cmpint(
          gst_element_get_state(p.element, nullptr, nullptr, 20 * GST_SECOND),
          ==, GST_STATE_CHANGE_SUCCESS);
      g_assert_true(gst_element_seek_simple(
          p.element, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
          g_rand_int_range(random, 0, 1000) * GST_SECOND));
      g_usleep(g_rand_int_range(random, 0, 8000));
    }
    g_rand_free(random);
    GstMessage *error = gst_bus_pop_filtered(p.bus, GST_MESSAGE_ERROR);
    g_assert_null(error);
  }
  g_assert_cmpint(control.engines, ==, 0);
  control.reset();
}

/// Downstream answers the ALLOCATION query, since buffers pass unchanged.
void test_allocation() {
  reset_control();
  for (bool video_meta : {false, true}) {
    Stream stream;
    if (video_meta)
      gst_harness_add_propose_allocation_meta(stream.harness,
                                              GST_VIDEO_META_API_TYPE, nullptr);
    stream.set_caps(caps_of("NV12", 64, 48));
    stream.push(stream.make_frame(0));
    GstCaps *caps = gst_video_info_to_caps(&stream.info);
    GstQuery *query = gst_query_new_allocation(caps, TRUE);
    gst_pad_peer_query(stream.harness->srcpad, query);
    g_assert_cmpint(
        gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr),
        ==, video_meta);
    gst_query_unref(query);
    gst_caps_unref(caps);
  }
}

/// now: look at the current caps of the pad instead of its template.
bool takes_gpu_memory(GstElement *element, bool now) {
  GstPad *pad = gst_element_get_static_pad(element, "sink");
  GstCaps *caps = now ? gst_pad_query_caps(pad, nullptr)
                      : gst_pad_get_pad_template_caps(pad);
  bool found = false;
  for (guint i = 0; i < gst_caps_get_size(caps); i++)
    found |= gst_caps_features_contains(gst_caps_get_features(caps, i),
                                        "memory:CUDAMemory");
  gst_caps_unref(caps);
  gst_object_unref(pad);
  return found;
}

/// Pads are linked before the element starts and learns which engine there is.
void test_gpu_memory() {
  const Pipeline other("identity ! " + scnn("backend=cpu") + " ! fakesink");
  GstElement *element = other.get("scnn");
  if (!takes_gpu_memory(element, false))
    return g_test_skip("built without gst-cuda");
  for (const std::string &filter : {scnn(""), std::string("classmaskoverlay")})
    Pipeline("identity ! video/x-raw(memory:CUDAMemory) ! " + filter +
             " ! video/x-raw(memory:CUDAMemory) ! fakesink");
  gst_element_set_state(other.element, GST_STATE_PAUSED);
  g_assert_false(takes_gpu_memory(element, true));
  gst_element_set_state(other.element, GST_STATE_NULL);
  g_assert_true(takes_gpu_memory(element, true));
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/pipeline/scaled-and-converted", test_scaled_and_converted);
  g_test_add_func("/pipeline/counts", test_counts);
  g_test_add_func("/pipeline/tee", test_tee);
  g_test_add_func("/pipeline/crop", test_crop);
  g_test_add_func("/pipeline/no-frame-lost", test_no_frame_lost);
  g_test_add_func("/pipeline/seeks-and-states", test_seeks_and_states);
  g_test_add_func("/pipeline/allocation", test_allocation);
  g_test_add_func("/pipeline/gpu-memory", test_gpu_memory);
  return g_test_run();
}
