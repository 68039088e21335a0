// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/stage.h"

#include "tests/support/reference.h"

namespace fastscnn::stage {

const char *const kLabels[kClasses] = {"road", "sky", "car", "person"};
const guint32 kColors[kClasses] = {0x804080, 0x4682b4, 0xff0000, 0x00ff00};

std::string caps_of(const std::string &format, int width, int height,
                    const std::string &more) {
  return "video/x-raw,format=" + format + ",width=" + std::to_string(width) +
         ",height=" + std::to_string(height) + ",framerate=25/1" +
         (more.empty() ? "" : "," + more);
}

Overlay::Overlay(const std::string &properties, const std::string &caps) {
  GError *error = nullptr;
  element_ =
      gst_parse_launch(("classmaskoverlay " + properties).c_str(), &error);
  g_assert_no_error(error);
  bus_ = gst_bus_new();
  gst_element_set_bus(element_, bus_);
  harness_ = gst_harness_new_with_element(element_, "sink", "src");
  if (!caps.empty())
    gst_harness_set_caps_str(harness_, caps.c_str(), caps.c_str());
}

Overlay::~Overlay() {
  gst_element_set_bus(element_, nullptr);
  gst_harness_teardown(harness_);
  gst_object_unref(element_);
  gst_object_unref(bus_);
}

GstBuffer *Overlay::push(GstBuffer *buffer) {
  g_assert_cmpint(gst_harness_push(harness_, buffer), ==, GST_FLOW_OK);
  return gst_harness_pull(harness_);
}

std::string Overlay::take_message(GstMessageType type) {
  GstMessage *message = gst_bus_pop_filtered(bus_, type);
  if (!message) return "";
  GError *error = nullptr;
  if (type == GST_MESSAGE_WARNING)
    gst_message_parse_warning(message, &error, nullptr);
  else
    gst_message_parse_error(message, &error, nullptr);
  const std::string text = error->message;
  g_error_free(error);
  gst_message_unref(message);
  return text;
}

GstBuffer *make_frame(const std::string &caps_text, int value) {
  GstCaps *caps = gst_caps_from_string(caps_text.c_str());
  GstVideoInfo info;
  g_assert_true(gst_video_info_from_caps(&info, caps));
  gst_caps_unref(caps);
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  std::vector<uint8_t> bytes(info.size, static_cast<uint8_t>(value));
  reference::Lcg lcg(31);
  if (value < 0)
    for (uint8_t &b : bytes) b = static_cast<uint8_t>(lcg.bits());
  gst_buffer_fill(buffer, 0, bytes.data(), bytes.size());
  GST_BUFFER_PTS(buffer) = 0;
  GST_BUFFER_DURATION(buffer) = GST_SECOND / 25;
  return buffer;
}

std::vector<uint8_t> make_ids(int width, int height, int id, int x0, int x1) {
  std::vector<uint8_t> ids(size_t(width) * height, GST_CLASS_MASK_UNKNOWN);
  for (int y = 0; y < height; y++)
    for (int x = x0; x < x1; x++)
      ids[size_t(y) * width + x] = static_cast<uint8_t>(id);
  return ids;
}

void attach(GstBuffer *buffer, const std::vector<uint8_t> &ids, int width,
            int height, int x, int y, int covers_width, int covers_height,
            const char *source, GstClockTime age) {
  GstClassMaskClasses *classes =
      gst_class_mask_classes_new("test", kClasses, kLabels, kColors);
  GstVideoInfo info;
  gst_video_info_set_format(&info, GST_VIDEO_FORMAT_GRAY8, width, height);
  GstBuffer *mask = gst_buffer_new_allocate(nullptr, info.size, nullptr);
  for (int row = 0; row < height; row++)
    gst_buffer_fill(mask, gsize(row) * info.stride[0],
                    ids.data() + size_t(row) * width, width);
  gst_buffer_add_video_meta(mask, GST_VIDEO_FRAME_FLAG_NONE,
                            GST_VIDEO_FORMAT_GRAY8, width, height);
  GstClassMaskMeta *meta = gst_buffer_add_class_mask_meta(
      buffer, mask, classes, x, y, covers_width, covers_height);
  g_assert_nonnull(meta);
  meta->source = g_quark_from_string(source);
  meta->age = age;
  gst_class_mask_classes_unref(classes);
}

std::vector<uint8_t> bytes_of(GstBuffer *buffer) {
  std::vector<uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace fastscnn::stage
