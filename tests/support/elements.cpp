// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/support/elements.h"

#include <gmodule.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/modelwriter.h"

namespace fastscnn::testing {
namespace {

namespace fs = std::filesystem;

struct Scratch {
  Scratch() {
    gchar *folder = g_dir_make_tmp("fastscnn-XXXXXX", nullptr);
    path = folder;
    g_free(folder);
  }
  ~Scratch() {
    std::error_code error;
    fs::remove_all(path, error);
  }
  std::string path;
};

std::string module_file(const std::string &name) {
  return "libfastscnn-" + name + "." G_MODULE_SUFFIX;
}

/// Sets the luma of YUV, or each of R, G and B.
void paint_pixel(GstVideoFrame *frame, int x, int y, uint8_t grey) {
  const bool yuv = GST_VIDEO_INFO_IS_YUV(&frame->info);
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(frame); c++) {
    auto *data = static_cast<uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(frame, c));
    const int column = x >> GST_VIDEO_FORMAT_INFO_W_SUB(frame->info.finfo, c);
    const int row = y >> GST_VIDEO_FORMAT_INFO_H_SUB(frame->info.finfo, c);
    uint8_t value = grey;
    if (yuv && c > 0)
      value = 128;
    else if (yuv &&
             frame->info.colorimetry.range == GST_VIDEO_COLOR_RANGE_16_235)
      value = static_cast<uint8_t>(16 + grey * 219 / 255.0 + 0.5);
    data[row * GST_VIDEO_FRAME_COMP_STRIDE(frame, c) +
         column * GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c)] = value;
  }
}

}  // namespace

const std::string &scratch_folder() {
  static const Scratch scratch;
  return scratch.path;
}

const std::string &model_path() {
  static const std::string path = [] {
    const std::string file = scratch_folder() + "/model.safetensors";
    ModelFile model = ModelFile::valid(Variant(), kClasses);
    model.metadata["aliases"] = "{\"fifth\":\"class5\"}";
    const std::vector<uint8_t> bytes = model.bytes();
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    return file;
  }();
  return path;
}

std::string install_engines(const std::vector<std::string> &names) {
  // A new folder each time, since GModule identifies open modules by path.
  static int count = 0;
  const fs::path folder =
      scratch_folder() + "/modules" + std::to_string(count++);
  fs::create_directory(folder);
  for (const std::string &name : names)
    fs::create_symlink(fs::path(FAKE_MODULES) / module_file(name),
                       folder / module_file(name));
  g_setenv("FASTSCNN_MODULE_PATH", folder.c_str(), TRUE);
  return folder;
}

FakeControl &control_of(const std::string &name) {
  const std::string path = std::string(FAKE_MODULES) + "/" + module_file(name);
  GModule *module = g_module_open(path.c_str(), G_MODULE_BIND_LOCAL);
  gpointer symbol = nullptr;
  g_assert_nonnull(module);
  g_assert_true(g_module_symbol(module, FAKE_CONTROL, &symbol));
  return *reinterpret_cast<FakeControlGet *>(symbol)();
}

FakeControl &reset_control(const std::string &name) {
  FakeControl &control = control_of(name);
  control.reset();
  return control;
}

std::string fastscnn_line(const std::string &properties) {
  return "fastscnn model-file=" + model_path() + " " + properties;
}

Stream::Stream(const std::string &properties, const std::string &caps)
    : Harness(fastscnn_line(properties), caps) {}

GstBuffer *Stream::make_frame(
    int number, const std::function<uint8_t(int, int)> &paint) const {
  GstBuffer *buffer =
      gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame frame;
  gst_buffer_memset(buffer, 0, 0, GST_VIDEO_INFO_SIZE(&info));
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
  for (int y = 0; y < GST_VIDEO_INFO_HEIGHT(&info); y++)
    for (int x = 0; x < GST_VIDEO_INFO_WIDTH(&info); x++)
      paint_pixel(&frame, x, y, paint(x, y));
  gst_video_frame_unmap(&frame);
  GST_BUFFER_PTS(buffer) = number * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 40 * GST_MSECOND;
  return buffer;
}

GstBuffer *Stream::make_frame(int number, uint8_t grey) const {
  return make_frame(number, [grey](int, int) { return grey; });
}

GstStructure *Stream::stats() const {
  GstStructure *stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  g_assert_nonnull(stats);
  return stats;
}

guint64 Stream::stat(const char *name) const {
  GstStructure *all = stats();
  guint64 value = 0;
  g_assert_true(gst_structure_get_uint64(all, name, &value));
  gst_structure_free(all);
  return value;
}

int class_in_centre(GstBuffer *frame) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  const GstVideoMeta *video = gst_buffer_get_video_meta(meta->mask);
  return pixels_of(
      meta->mask)[video->height / 2 * video->width + video->width / 2];
}

}  // namespace fastscnn::testing
