// SPDX-License-Identifier: LGPL-2.1-or-later
// A mask from another process, written as JSON: the line parses, and its runs
// are those of the mask. The first byte selects the options.
#include <nlohmann/json.hpp>

#include "gst/classmask/gstclassmask-private.h"
#include "gst/masks/jsonwriter.h"
#include "tests/fuzz/fuzz.h"

using fastscnn::JsonWriter;
using nlohmann::json;

namespace {

constexpr guint64 kMaxPixels = 1 << 16;  // larger masks only take longer

/// Decodes COCO's compressed run lengths. Counts the pixels inside the class
/// and those that the mask contradicts.
void compare_runs(const std::string &counts, int height, int id,
                  GstVideoFrame *frame, guint64 *wrong, guint64 *pixels) {
  const auto *ids =
      static_cast<const uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(frame, 0));
  const int stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, 0);
  std::vector<int64_t> runs;
  int64_t value = 0, at = 0;
  int shift = 0;
  for (char c : counts) {
    const int group = c - '0';
    value |= static_cast<int64_t>(group & 31) << shift;
    shift += 5;
    if (group & 32) continue;
    if (group & 16) value -= int64_t{1} << shift;
    runs.push_back(value + (runs.size() > 2 ? runs[runs.size() - 2] : 0));
    value = shift = 0;
  }
  for (size_t r = 0; r < runs.size(); r++)
    for (int64_t i = 0; i < runs[r]; i++, at++) {
      const bool inside = ids[at % height * stride + at / height] == id;
      *wrong += inside != (r % 2 == 1);
      *pixels += r % 2;
    }
}

void check_line(const std::string &line, const JsonWriter::Options &options,
                GstVideoFrame *frame) {
  const int width = GST_VIDEO_FRAME_WIDTH(frame);
  const int height = GST_VIDEO_FRAME_HEIGHT(frame);
  g_assert_true(line.find('\n') == line.size() - 1);
  const json read = json::parse(line, nullptr, false);
  g_assert_false(read.is_discarded());
  g_assert_cmpint(read["width"].get<int>(), ==, width);
  g_assert_cmpint(read["height"].get<int>(), ==, height);
  guint64 all = read["unknown"]["pixels"].get<guint64>();
  for (const json &entry : read["classes"]) {
    const auto pixels = entry["pixels"].get<guint64>();
    all += pixels;
    g_assert_cmpint(entry.contains("rle"), ==, options.rle);
    g_assert_cmpint(entry.contains("regions"), ==, options.regions);
    if (options.rle) {
      guint64 wrong = 0, inside = 0;
      compare_runs(entry["rle"]["counts"].get<std::string>(), height,
                   entry["id"].get<int>(), frame, &wrong, &inside);
      g_assert_cmpuint(wrong, ==, 0);
      g_assert_cmpuint(inside, ==, pixels);
    }
    if (options.regions && options.min_area <= 1) {
      guint64 area = 0;
      for (const json &region : entry["regions"])
        area += region["area"].get<guint64>();
      g_assert_cmpuint(area, ==, pixels);
    }
  }
  g_assert_cmpuint(all, ==, static_cast<guint64>(width) * height);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  fuzz_init_gst();
  GstBuffer *buffer = gst_buffer_new();
  GstVideoFrame frame;
  guint width, height;
  const GstClassMaskMeta *meta = gst_class_mask_meta_read(
      buffer, data + 1, size - 1, GST_CLASS_MASK_META_VERSION);
  if (meta && gst_class_mask_meta_get_size(meta, &width, &height) &&
      static_cast<guint64>(width) * height <= kMaxPixels) {
    static JsonWriter writer;  // reuses its memory
    JsonWriter::Options options;
    options.rle = data[0] & 1;
    options.regions = data[0] & 2;
    options.min_area = data[0] >> 2;
    uint64_t invalid = 0;
    const std::string &line =
        writer.write(buffer, *meta, data[0], options, invalid);
    g_assert_true(gst_class_mask_meta_map(meta, &frame));
    check_line(line, options, &frame);
    gst_video_frame_unmap(&frame);
  }
  gst_buffer_unref(buffer);
  return 0;
}
