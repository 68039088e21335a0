// SPDX-License-Identifier: LGPL-2.1-or-later
// The element with the CPU engine, and the bundled model and clip.
#include <algorithm>
#include <map>

#include "tests/support/elements.h"

using namespace fastscnn::testing;

namespace {

constexpr int kFrames = 3;

/// For each element, by its name, the masks of the first frames.
using Masks = std::map<std::string, std::vector<std::vector<uint8_t>>>;

struct Collection {
  Masks masks;
  int frames = 0;
};

void collect(GstElement *sink, GstBuffer *buffer, GstPad *,
             gpointer user_data) {
  auto &collection = *static_cast<Collection *>(user_data);
  if (collection.frames == kFrames || !gst_buffer_get_class_mask_meta(buffer))
    return;
  gpointer state = nullptr;
  while (GstMeta *meta = gst_buffer_iterate_meta(buffer, &state)) {
    if (meta->info->api != GST_CLASS_MASK_META_API_TYPE) continue;
    auto *mask = reinterpret_cast<GstClassMaskMeta *>(meta);
    collection.masks[g_quark_to_string(mask->source)].push_back(
        pixels_of(mask->mask));
  }
  if (++collection.frames == kFrames)
    gst_element_post_message(
        sink, gst_message_new_application(
                  GST_OBJECT(sink), gst_structure_new_empty("collected")));
}

/// The masks of the first frames that have any, after these elements.
Masks masks_of(const std::string &elements) {
  const std::string line = "filesrc location=" CLIP
                           " ! qtdemux ! h264parse ! avdec_h264 ! "
                           "videoconvert ! " +
                           elements +
                           " ! fakesink name=sink sync=false "
                           "signal-handoffs=true";
  const Element pipeline(line);
  GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline.element), "sink");
  Collection collection;
  g_signal_connect(sink, "handoff", G_CALLBACK(collect), &collection);
  gst_object_unref(sink);
  gst_element_set_state(pipeline.element, GST_STATE_PLAYING);
  GstMessage *message = gst_bus_timed_pop_filtered(
      pipeline.bus, 60 * GST_SECOND,
      GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR |
                     GST_MESSAGE_APPLICATION));
  g_assert_nonnull(message);
  g_assert_cmpint(GST_MESSAGE_TYPE(message), !=, GST_MESSAGE_ERROR);
  gst_message_unref(message);
  gst_element_set_state(pipeline.element, GST_STATE_NULL);
  return collection.masks;
}

double share_of_equal(const std::vector<uint8_t> &a,
                      const std::vector<uint8_t> &b) {
  g_assert_cmpuint(a.size(), ==, b.size());
  size_t equal = 0;
  for (size_t i = 0; i < a.size(); i++) equal += a[i] == b[i];
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

void check_formats(const std::vector<std::string> &formats, double least) {
  const std::string scnn = " ! fastscnn name=a backend=cpu";
  const auto expected = masks_of("video/x-raw,format=I420" + scnn)["a"];
  g_assert_cmpuint(expected.size(), ==, kFrames);
  for (const std::string &format : formats) {
    const auto masks = masks_of("video/x-raw,format=" + format + scnn)["a"];
    g_assert_cmpuint(masks.size(), ==, kFrames);
    for (int i = 0; i < kFrames; i++) {
      const double share = share_of_equal(masks[i], expected[i]);
      g_test_message("%s %.4f", format.c_str(), share);
      g_assert_cmpfloat(share, >=, least);
    }
  }
}

/// The same samples in another order.
void test_same_samples() { check_formats({"NV12", "NV21", "YV12"}, 1.0); }

/// The same image except for chroma, which videoconvert repeats instead of
/// interpolating.
void test_same_image() {
  check_formats({"YUY2", "UYVY", "RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR",
                 "RGBA", "BGRA", "ARGB", "ABGR"},
                0.93);
}

/// A street has several classes.
void test_classes() {
  auto masks = masks_of("fastscnn name=a backend=cpu")["a"];
  std::sort(masks[0].begin(), masks[0].end());
  const auto end = std::unique(masks[0].begin(), masks[0].end());
  g_assert_cmpint(end - masks[0].begin(), >=, 4);
}

/// Elements with different numbers of threads agree.
void test_elements_agree() {
  auto masks = masks_of(
      "fastscnn name=a backend=cpu threads=1 ! "
      "fastscnn name=b backend=cpu threads=2 ! "
      "fastscnn name=c backend=cpu");
  g_assert_cmpuint(masks["a"].size(), ==, kFrames);
  g_assert_true(masks["a"] == masks["b"]);
  g_assert_true(masks["a"] == masks["c"]);
}

/// Masks in 8 bits are nearly those in single precision.
void test_precision() {
  const auto masks = masks_of(
      "fastscnn name=a backend=cpu precision=fp32 ! "
      "fastscnn name=b backend=cpu precision=int8 threads=1 ! "
      "fastscnn name=c backend=cpu precision=int8 threads=2");
  g_assert_cmpuint(masks.at("a").size(), ==, kFrames);
  for (int i = 0; i < kFrames; i++) {
    const double share = share_of_equal(masks.at("a")[i], masks.at("b")[i]);
    g_test_message("%.4f of the pixels are equal", share);
    g_assert_cmpfloat(share, >=, 0.97);
    g_assert_cmpfloat(share, <, 1);  // the precisions really differed
  }
  g_assert_true(masks.at("b") == masks.at("c"));
}

/// The device in the statistics ends with the precision, and for int8 with the
/// instructions.
void test_precision_in_statistics() {
  for (const char *pattern : {"*, 2 threads, fp32", "*, 2 threads, int8 (*)"}) {
    const bool int8 = strstr(pattern, "int8");
    const Stream stream(
        std::string("model-file=fastscnn-camvid.safetensors backend=cpu "
                    "threads=2 precision=") +
        (int8 ? "int8" : "fp32"));
    GstStructure *stats = stream.stats();
    const char *device = gst_structure_get_string(stats, "device");
    g_test_message("%s", device);
    g_assert_true(g_pattern_match_simple(pattern, device));
    gst_structure_free(stats);
  }
}

/// A model without scales is refused with an error that says what to do.
void test_model_without_scales() {
  const Element e("fastscnn backend=cpu precision=int8 model-file=" +
                  model_path());
  g_assert_false(e.starts());
  GstMessage *message = e.pop_message(GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  GError *error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  g_assert_nonnull(strstr(error->message, "models/calibrate.py"));
  g_error_free(error);
  gst_message_unref(message);
}

/// async=true makes the same masks.
void test_async() {
  const auto expected = masks_of("fastscnn name=a backend=cpu")["a"];
  // On a busy machine the first mask may be that of a later frame.
  const auto masks = masks_of(
      "fastscnn name=a backend=cpu async=true ! identity sleep-time=300000")
      ["a"];
  g_assert_cmpuint(masks.size(), ==, kFrames);
  g_assert_true(std::find(expected.begin(), expected.end(), masks[0]) !=
                expected.end());
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/clip/same-samples", test_same_samples);
  g_test_add_func("/clip/same-image", test_same_image);
  g_test_add_func("/clip/classes", test_classes);
  g_test_add_func("/clip/elements-agree", test_elements_agree);
  g_test_add_func("/clip/precision", test_precision);
  g_test_add_func("/clip/precision-in-statistics",
                  test_precision_in_statistics);
  g_test_add_func("/clip/model-without-scales", test_model_without_scales);
  g_test_add_func("/clip/async", test_async);
  return g_test_run();
}
