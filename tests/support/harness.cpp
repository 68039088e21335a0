// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/harness.h"

#include "tests/support/masks.h"
#include "tests/support/reference.h"

namespace fastscnn::testing {

const char *const kLabels[4] = {"road", "sky", "car", "person"};
const guint32 kColors[4] = {0x804080, 0x4682b4, 0xff0000, 0x00ff00};

Element::Element(const std::string &line) {
  GError *error = nullptr;
  element = gst_parse_launch(line.c_str(), &error);
  g_assert_no_error(error);
  gst_object_ref_sink(element);
  bus = gst_element_get_bus(element);  // only a pipeline has one
  if (bus) return;
  bus = gst_bus_new();
  gst_element_set_bus(element, bus);
}

Element::~Element() {
  gst_element_set_state(element, GST_STATE_NULL);
  gst_bus_set_flushing(bus, TRUE);  // messages hold references to it
  gst_object_unref(element);
  gst_object_unref(bus);
}

bool Element::starts() const {
  return gst_element_set_state(element, GST_STATE_PAUSED) !=
         GST_STATE_CHANGE_FAILURE;
}

GstMessage *Element::pop_message(GstMessageType type) const {
  return gst_bus_pop_filtered(bus, type);
}

bool Element::has_message(GstMessageType type) const {
  GstMessage *message = pop_message(type);
  if (message) gst_message_unref(message);
  return message != nullptr;
}

std::string Element::take_text(GstMessageType type) const {
  GstMessage *message = pop_message(type);
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

Harness::Harness(const std::string &line, const std::string &caps)
    : Element(line),
      harness(gst_harness_new_with_element(element, "sink", "src")) {
  if (!caps.empty()) set_caps(caps);
}

Harness::~Harness() { gst_harness_teardown(harness); }

void Harness::set_caps(const std::string &caps) {
  info = info_of(caps);
  gst_harness_set_src_caps_str(harness, caps.c_str());
}

OwnedBuffer Harness::push(GstBuffer *frame) const {
  g_assert_cmpint(gst_harness_push(harness, frame), ==, GST_FLOW_OK);
  return OwnedBuffer(gst_harness_pull(harness));
}

void Harness::flush() const { push_flush(harness); }

void wait_until(const std::function<bool()> &condition) {
  for (int i = 0; i < 10000 && !condition(); i++) g_usleep(1000);
  g_assert_true(condition());
}

std::string caps_of(const std::string &format, int width, int height,
                    const std::string &more) {
  return "video/x-raw,format=" + format + ",width=" + std::to_string(width) +
         ",height=" + std::to_string(height) + ",framerate=25/1" +
         (more.empty() ? "" : "," + more);
}

GstVideoInfo info_of(const std::string &text) {
  GstCaps *caps = gst_caps_from_string(text.c_str());
  GstVideoInfo info;
  g_assert_true(gst_video_info_from_caps(&info, caps));
  gst_caps_unref(caps);
  return info;
}

GstBuffer *make_frame(const std::string &caps, int value) {
  const GstVideoInfo info = info_of(caps);
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

std::vector<uint8_t> bytes_of(GstBuffer *buffer) {
  std::vector<uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

std::vector<uint8_t> pixels_of(GstBuffer *mask) {
  const GstVideoMeta *meta = gst_buffer_get_video_meta(mask);
  g_assert_nonnull(meta);
  g_assert_cmpint(meta->format, ==, GST_VIDEO_FORMAT_GRAY8);
  GstVideoInfo info;
  GstVideoFrame frame;
  gst_video_info_set_format(&info, meta->format, meta->width, meta->height);
  g_assert_true(gst_video_frame_map(&frame, &info, mask, GST_MAP_READ));
  std::vector<uint8_t> pixels;
  for (guint y = 0; y < meta->height; y++) {
    auto *row = static_cast<uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
    pixels.insert(pixels.end(), row, row + meta->width);
  }
  gst_video_frame_unmap(&frame);
  return pixels;
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
  GstClassMaskClasses *classes = gst_class_mask_classes_new(
      "test", G_N_ELEMENTS(kLabels), kLabels, kColors);
  GstClassMaskMeta *meta = gst_buffer_add_class_mask_meta(
      buffer, new_image(ids.data(), width, height, width + 3, 0), classes, x, y,
      covers_width, covers_height);
  g_assert_nonnull(meta);
  meta->source = g_quark_from_string(source);
  meta->age = age;
  gst_class_mask_classes_unref(classes);
}

}  // namespace fastscnn::testing
