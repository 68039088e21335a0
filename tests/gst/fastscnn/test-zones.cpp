// SPDX-License-Identifier: LGPL-2.1-or-later
// Pixel counts in the zones of a stream.
#include <cstring>
#include <fstream>

#include "tests/support/elements.h"

using namespace fastscnn::testing;

namespace {

const std::string kCaps = caps_of("GRAY8", 64, 48);

/// The left half, the top half, and a corner so small that it has no pixel.
std::string zone_file() {
  const std::string file = scratch_folder() + "/zones.json";
  std::ofstream(file) << "{\"left\": [[0,0],[0.5,0],[0.5,1],[0,1]],"
                         "\"top\": [[0,0],[1,0],[1,0.5],[0,0.5]],"
                         "\"point\": [[0,0],[0.001,0],[0,0.001]]}";
  return file;
}

/// Class 5 on the right of column 16, class 1 on the left.
GstBuffer *frame_of(const Stream &stream, int number = 0) {
  return stream.make_frame(number, [](int x, int) -> uint8_t {
    return static_cast<uint8_t>(((x < 16 ? 1 : 5) * 255 + 128) / kClasses);
  });
}

guint64 number_in(const GValue *array, guint i) {
  return g_value_get_uint64(gst_value_array_get_value(array, i));
}

const GstStructure *zone_of(const GstStructure *s, guint zone) {
  const GValue *zones = gst_structure_get_value(s, "zones");
  g_assert_cmpuint(gst_value_array_get_size(zones), ==, 3);
  return gst_value_get_structure(gst_value_array_get_value(zones, zone));
}

void check_message(const Stream &stream, guint width, guint height) {
  GstMessage *message = nullptr;
  wait_until([&] {
    if (!message) message = stream.pop_message(GST_MESSAGE_ELEMENT);
    return message != nullptr;
  });
  const GstStructure *s = gst_message_get_structure(message);
  // Names come in alphabetical order.
  const GstStructure *left = zone_of(s, 0), *point = zone_of(s, 1);
  const GstStructure *top = zone_of(s, 2);
  guint64 unknown = 1;

  g_assert_cmpstr(gst_structure_get_string(top, "name"), ==, "top");
  const GValue *pixels = gst_structure_get_value(left, "pixels");
  g_assert_cmpuint(gst_value_array_get_size(pixels), ==, kClasses);
  g_assert_cmpuint(number_in(pixels, 1), ==, width / 4 * height);
  g_assert_cmpuint(number_in(pixels, 5), ==, width / 4 * height);
  g_assert_true(gst_structure_get_uint64(left, "unknown", &unknown));
  g_assert_cmpuint(unknown, ==, 0);
  pixels = gst_structure_get_value(top, "pixels");
  g_assert_cmpuint(number_in(pixels, 1), ==, width / 4 * height / 2);
  g_assert_cmpuint(number_in(pixels, 5), ==, width / 4 * 3 * height / 2);
  pixels = gst_structure_get_value(point, "pixels");
  g_assert_cmpuint(number_in(pixels, 1), ==, 0);
  // All pixels are still counted.
  pixels = gst_structure_get_value(s, "pixels");
  g_assert_cmpuint(number_in(pixels, 1), ==, width / 4 * height);
  g_assert_cmpuint(number_in(pixels, 5), ==, width / 4 * 3 * height);
  gst_message_unref(message);
}

void test_message() {
  for (const char *mode : {"async=false", "async=true"}) {
    reset_control();
    Stream stream("post-messages=true zones=" + zone_file() + " " + mode,
                  kCaps);
    stream.push(frame_of(stream));
    check_message(stream, 64, 48);
    // With another size, other pixels are in the zones.
    stream.set_caps(caps_of("GRAY8", 32, 96));
    stream.push(stream.make_frame(1, [](int x, int) -> uint8_t {
      return static_cast<uint8_t>(((x < 8 ? 1 : 5) * 255 + 128) / kClasses);
    }));
    check_message(stream, 32, 96);
  }
}

/// The zones and their counts are stored with the mask, for every element
/// downstream.
void test_mask() {
  reset_control();
  const Stream stream("zones=" + zone_file(), kCaps);
  const OwnedBuffer frame = stream.push(frame_of(stream));
  const GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  GstClassMaskZones *zones = gst_class_mask_meta_get_zones(meta);
  g_assert_nonnull(zones);
  g_assert_cmpuint(gst_class_mask_zones_get_size(zones), ==, 3);
  g_assert_cmpstr(gst_class_mask_zones_get_name(zones, 0), ==, "left");
  guint64 counts[256];
  g_assert_true(gst_class_mask_meta_count_zone(meta, 0, counts));
  g_assert_cmpuint(counts[1], ==, 16 * 48);
  g_assert_cmpuint(counts[5], ==, 16 * 48);

  GstCustomMeta *summary =
      gst_buffer_get_custom_meta(frame, GST_CLASS_MASK_SUMMARY_META_NAME);
  const GstStructure *left = zone_of(gst_custom_meta_get_structure(summary), 0);
  g_assert_cmpstr(gst_structure_get_string(left, "name"), ==, "left");
  g_assert_cmpfloat(g_value_get_double(gst_value_array_get_value(
                        gst_structure_get_value(left, "fractions"), 0)),
                    ==, 0.5);

  const Harness json("classmaskjson", kCaps);
  const std::vector<uint8_t> line = bytes_of(json.push(gst_buffer_ref(frame)));
  const std::string text(line.begin(), line.end());
  g_assert_nonnull(
      strstr(text.c_str(),
             "],\"zones\":[{\"name\":\"left\",\"pixels\":1536,"
             "\"unknown\":{\"pixels\":0,\"fraction\":0.000000},"
             "\"classes\":[{\"id\":1,\"label\":\"class1\",\"pixels\":768,"
             "\"fraction\":0.500000},{\"id\":5,\"label\":\"class5\","
             "\"pixels\":768,\"fraction\":0.500000}]},"));
  g_assert_nonnull(strstr(text.c_str(), "{\"name\":\"point\",\"pixels\":0,"));
}

void test_bad_file() {
  reset_control();
  const std::string bad = scratch_folder() + "/bad.json";
  std::ofstream(bad) << "{\"gate\": [[0,0],[1,7],[1,1]]}";
  const Element e(fastscnn_line("zones=" + bad));
  g_assert_false(e.starts());
  const std::string text = e.take_text(GST_MESSAGE_ERROR);
  g_assert_nonnull(strstr(text.c_str(), "bad.json"));
  g_assert_nonnull(strstr(text.c_str(), "zone \"gate\" has the point [1,7]"));

  // More combinations than an engine can count.
  std::ofstream out(bad);
  out << "{";
  for (int i = 0; i < 24; i++) {
    const double at = i % 12 / 12.0, to = i % 12 == 11 ? 1 : at + 1 / 12.0;
    out << (i ? "," : "") << "\"" << i << "\":";
    if (i < 12)
      out << "[[" << at << ",0],[" << to << ",0],[" << to << ",1],[" << at
          << ",1]]";
    else
      out << "[[0," << at << "],[1," << at << "],[1," << to << "],[0," << to
          << "]]";
  }
  for (int i = 24; i < 32; i++)
    out << ",\"" << i << "\":[[" << (i - 24) / 8.0 << ",0],["
        << (i - 24) / 8.0 + 0.06 << ",0],[" << (i - 24) / 8.0 + 0.06 << ",1],["
        << (i - 24) / 8.0 << ",1]]";
  out << "}";
  out.close();
  Stream many("zones=" + bad, "");
  many.set_caps(caps_of("GRAY8", 96, 96));
  gst_harness_push(many.harness, many.make_frame(0));
  g_assert_nonnull(strstr(many.take_text(GST_MESSAGE_ERROR).c_str(),
                          "overlap in more than 256 ways; use fewer"));
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/zones/message", test_message);
  g_test_add_func("/zones/mask", test_mask);
  g_test_add_func("/zones/bad-file", test_bad_file);
  return g_test_run();
}
