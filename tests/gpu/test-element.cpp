// SPDX-License-Identifier: LGPL-2.1-or-later
// On frames in GPU memory, the element makes the same masks as on frames in
// system memory, and leaves the frames in GPU memory.
#include <glib.h>
#include <gst/app/gstappsink.h>
#include <gst/classmask/gstclassmaskmeta.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/gpu/device.h"

namespace {

constexpr GstClockTime kTimeout = 120 * GST_SECOND;
constexpr char kGpuCaps[] = " ! video/x-raw(memory:CUDAMemory)";

std::string bytes_of(GstBuffer *buffer) {
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  std::string bytes(reinterpret_cast<char *>(map.data), map.size);
  gst_buffer_unmap(buffer, &map);
  return bytes;
}

/// The pixels of an RGBA frame, without the padding of its rows.
std::string pixels_of(GstSample *sample) {
  GstVideoInfo info;
  GstVideoFrame frame;
  g_assert_true(gst_video_info_from_caps(&info, gst_sample_get_caps(sample)));
  g_assert_true(gst_video_frame_map(
      &frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ));
  std::string pixels;
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame); y++)
    pixels.append(static_cast<char *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                      y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
                  4 * GST_VIDEO_FRAME_WIDTH(&frame));
  gst_video_frame_unmap(&frame);
  return pixels;
}

/// Runs a pipeline and returns the pixels of all masks, or of all frames.
std::vector<std::string> run(const std::string &pipeline, bool frames) {
  GError *error = nullptr;
  GstElement *element = gst_parse_launch(
      (pipeline + " ! appsink name=out sync=false").c_str(), &error);
  g_assert_no_error(error);
  GstElement *sink = gst_bin_get_by_name(GST_BIN(element), "out");
  const bool started = gst_element_set_state(element, GST_STATE_PLAYING) !=
                       GST_STATE_CHANGE_FAILURE;
  std::vector<std::string> all;
  while (GstSample *sample = started ? gst_app_sink_try_pull_sample(
                                           GST_APP_SINK(sink), kTimeout)
                                     : nullptr) {
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    if (frames) {
      all.push_back(pixels_of(sample));
    } else {
      GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(buffer);
      g_assert_nonnull(meta);
      all.push_back(bytes_of(meta->mask));
    }
    gst_sample_unref(sample);
  }
  GstBus *bus = gst_element_get_bus(element);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  if (message) {
    gchar *debug;
    gst_message_parse_error(message, &error, &debug);
    g_error("%s: %s (%s)", pipeline.c_str(), error->message, debug);
  }
  gst_object_unref(bus);
  gst_element_set_state(element, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(element);
  return all;
}

std::vector<std::string> masks_of(const std::string &pipeline) {
  return run(pipeline, false);
}

std::string source(const char *format) {
  return std::string("videotestsrc num-buffers=8 pattern=smpte ! ") +
         "video/x-raw,width=322,height=182,framerate=30/1,format=" + format +
         " ! ";
}

void test_memories() {
  for (const char *format : {"NV12", "I420", "RGBA"}) {
    const auto expected = masks_of(source(format) + "fastscnn backend=cuda");
    g_assert_cmpuint(expected.size(), ==, 8);
    // With a queue, the next frames are uploaded while one is segmented.
    for (const char *upload : {"cudaupload ! ", "cudaupload ! queue ! "}) {
      const auto got = masks_of(source(format) + upload +
                                "fastscnn backend=cuda" + kGpuCaps);
      g_assert_true(got == expected);
    }
  }
}

/// Frames in reused memory, which is pinned with the third frame, give the same
/// mask.
void test_repeated() {
  const std::string still =
      "videotestsrc num-buffers=1 ! "
      "video/x-raw,width=642,height=362,framerate=30/1,format=RGBA ! "
      "imagefreeze num-buffers=8 ! identity drop-allocation=true ! ";
  const auto masks = masks_of(still + "fastscnn backend=cuda");
  g_assert_cmpuint(masks.size(), ==, 8);
  for (const std::string &mask : masks) g_assert_true(mask == masks[0]);
}

/// Two elements in one pipeline, which share context and weights.
void test_two() {
  const auto one =
      masks_of(source("NV12") + "cudaupload ! fastscnn" + kGpuCaps);
  const auto two =
      masks_of(source("NV12") + "cudaupload ! fastscnn ! fastscnn" + kGpuCaps);
  g_assert_cmpuint(one.size(), ==, 8);
  g_assert_true(one == two);
}

/// The overlay paints the same frames on the GPU as on the CPU.
void test_overlay() {
  for (const char *mode : {"blend", "contour", "blur", "pixelate", "cutout"}) {
    const std::string paint =
        std::string("fastscnn backend=cuda ! classmaskoverlay mode=") + mode;
    const auto expected = run(source("RGBA") + paint, true);
    const auto got = run(
        source("RGBA") + "cudaupload ! " + paint + kGpuCaps + " ! cudadownload",
        true);
    g_assert_cmpuint(expected.size(), ==, 8);
    g_assert_cmpuint(got.size(), ==, expected.size());
    for (size_t f = 0; f < got.size(); f++) {
      g_assert_cmpuint(got[f].size(), ==, expected[f].size());
      for (size_t i = 0; i < got[f].size(); i++)
        if (std::abs(uint8_t(got[f][i]) - uint8_t(expected[f][i])) > 1)
          g_error("%s: frame %zu, byte %zu is %d on the GPU, %d on the CPU",
                  mode, f, i, uint8_t(got[f][i]), uint8_t(expected[f][i]));
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (fastscnn::testing::skip_without_device()) return 0;
  gst_init(&argc, &argv);
  GstElementFactory *upload = gst_element_factory_find("cudaupload");
  if (!upload) {
    g_print("1..0 # SKIP GStreamer has no cudaupload\n");
    return 0;
  }
  gst_object_unref(upload);
  g_test_add_func("/gpu/element/memories", test_memories);
  g_test_add_func("/gpu/element/repeated", test_repeated);
  g_test_add_func("/gpu/element/two", test_two);
  g_test_add_func("/gpu/element/overlay", test_overlay);
  return g_test_run();
}
