// SPDX-License-Identifier: LGPL-2.1-or-later
// Descriptions and views of frames, compared with GStreamer's own.
#include <gst/video/video.h>

#include <string>

#include "gst/base/frameview.h"
#include "net/color.h"
#include "tests/support/harness.h"

using namespace fastscnn;

namespace {

const GstVideoFormat kFormats[] = {
    GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_NV21, GST_VIDEO_FORMAT_I420,
    GST_VIDEO_FORMAT_YV12, GST_VIDEO_FORMAT_YUY2, GST_VIDEO_FORMAT_UYVY,
    GST_VIDEO_FORMAT_RGB,  GST_VIDEO_FORMAT_BGR,  GST_VIDEO_FORMAT_RGBx,
    GST_VIDEO_FORMAT_BGRx, GST_VIDEO_FORMAT_xRGB, GST_VIDEO_FORMAT_xBGR,
    GST_VIDEO_FORMAT_RGBA, GST_VIDEO_FORMAT_BGRA, GST_VIDEO_FORMAT_ARGB,
    GST_VIDEO_FORMAT_ABGR, GST_VIDEO_FORMAT_GRAY8};

GstVideoInfo make_info(const std::string &fields) {
  return testing::info_of("video/x-raw," + fields);
}

/// Every sample of the part is where GStreamer says.
void check_part(GstVideoFormat format, int width, int height, Rect part) {
  GstVideoInfo info;
  gst_video_info_set_format(&info, format, width, height);
  GstBuffer *buffer =
      gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame frame;
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));

  const FrameInfo described = describe_frame(info, part);
  const Frame view = view_frame(frame, part);
  g_assert_cmpint(described.width, ==, part.width);
  g_assert_cmpint(described.height, ==, part.height);
  g_assert_cmpint(described.components, ==,
                  format == GST_VIDEO_FORMAT_GRAY8 ? 1 : 3);
  g_assert_cmpint(
      described.alpha, ==,
      GST_VIDEO_INFO_HAS_ALPHA(&info)
          ? int(GST_VIDEO_INFO_COMP_POFFSET(&info, GST_VIDEO_COMP_A))
          : -1);

  for (int c = 0; c < described.components; c++) {
    const Component &component = described.component[c];
    const int first_x = part.x >> component.shift_x;
    const int first_y = part.y >> component.shift_y;
    const int last_x = (part.x + part.width - 1) >> component.shift_x;
    const int last_y = (part.y + part.height - 1) >> component.shift_y;
    g_assert_cmpint(component_width(described, c), ==, last_x - first_x + 1);
    g_assert_cmpint(component_height(described, c), ==, last_y - first_y + 1);

    auto *base =
        static_cast<const uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, c));
    for (int y = first_y; y <= last_y; y++)
      for (int x = first_x; x <= last_x; x++) {
        const int column =
            component.offset + (x - first_x) * component.pixel_stride;
        const uint8_t *expected = base +
                                  y * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c) +
                                  x * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c);
        g_assert_true(view.data[component.plane] +
                          (y - first_y) * view.stride[component.plane] +
                          column ==
                      expected);
        g_assert_cmpint(column, <, described.row_bytes[component.plane]);
      }
    g_assert_cmpint(described.rows[component.plane], >=, last_y - first_y + 1);
  }
  gst_video_frame_unmap(&frame);
  gst_buffer_unref(buffer);
}

void test_samples() {
  for (GstVideoFormat format : kFormats)
    for (int width : {16, 17})
      for (int height : {16, 19}) {
        check_part(format, width, height, {0, 0, width, height});
        for (int x = 0; x < 4; x++)
          for (int y = 0; y < 4; y++)
            for (int crop : {8, 9, 12})
              check_part(format, width, height, {x, y, crop, crop});
      }
}

void test_origins() {
  struct {
    const char *site;
    float x, y;
  } cases[] = {{"jpeg", 0.5f, 0.5f},
               {"mpeg2", 0.f, 0.5f},
               {"cosited", 0.f, 0.f},
               {"v-cosited", 0.5f, 0.f}};
  for (const auto &c : cases) {
    const GstVideoInfo info = make_info(
        std::string("format=NV12,width=64,height=48,colorimetry=bt601,"
                    "chroma-site=") +
        c.site);
    for (int x : {0, 1, 2, 3})
      for (int y : {0, 1, 2, 3}) {
        const FrameInfo described = describe_frame(info, {x, y, 32, 32});
        g_assert_cmpfloat(described.component[0].origin_x, ==, 0.f);
        g_assert_cmpfloat(described.component[0].origin_y, ==, 0.f);
        for (int i : {1, 2}) {
          g_assert_cmpfloat(described.component[i].origin_x, ==, c.x - x % 2);
          g_assert_cmpfloat(described.component[i].origin_y, ==, c.y - y % 2);
        }
      }
  }
}

/// Without a chroma site in the caps, that of gst_video_info_set_format()
/// applies: centred up to 576 rows, horizontally co-sited above.
void test_default_origin() {
  const GstVideoInfo sd = make_info("format=I420,width=64,height=576");
  const GstVideoInfo hd = make_info("format=I420,width=64,height=720");
  const GstVideoInfo unknown =
      make_info("format=I420,width=64,height=720,colorimetry=bt709");
  const Rect part = {0, 0, 64, 64};
  g_assert_cmpfloat(describe_frame(sd, part).component[1].origin_x, ==, 0.5f);
  g_assert_cmpfloat(describe_frame(hd, part).component[1].origin_x, ==, 0.f);
  g_assert_cmpfloat(describe_frame(hd, part).component[1].origin_y, ==, 0.5f);
  g_assert_true(describe_frame(unknown, part) == describe_frame(hd, part));
  const GstVideoInfo yuy2 = make_info("format=YUY2,width=64,height=720");
  g_assert_cmpfloat(describe_frame(yuy2, part).component[1].origin_y, ==, 0.f);
}

void check_transform(const char *fields, const ColorTransform &expected) {
  const GstVideoInfo info = make_info(fields);
  const ColorTransform got = describe_frame(info, {0, 0, 16, 16}).to_rgb;
  g_test_message("%s", fields);
  for (int row = 0; row < 3; row++) {
    for (int c = 0; c < 3; c++)
      g_assert_cmpfloat_with_epsilon(got.matrix[row][c],
                                     expected.matrix[row][c], 1e-6f);
    g_assert_cmpfloat_with_epsilon(got.offset[row], expected.offset[row],
                                   1e-6f);
  }
}

void test_colorimetry() {
  const ColorTransform bt601 = yuv_to_rgb(0.299, 0.114, false);
  const ColorTransform bt709 = yuv_to_rgb(0.2126, 0.0722, false);
  check_transform("format=NV12,width=16,height=480", bt601);
  check_transform("format=NV12,width=16,height=720", bt709);
  check_transform("format=NV12,width=16,height=480,colorimetry=bt709", bt709);
  check_transform("format=YUY2,width=16,height=720,colorimetry=bt601", bt601);
  check_transform("format=I420,width=16,height=480,colorimetry=1:4:0:0",
                  yuv_to_rgb(0.299, 0.114, true));
  check_transform("format=I420,width=16,height=480,colorimetry=bt2020",
                  yuv_to_rgb(0.2627, 0.0593, false));
  check_transform("format=RGB,width=16,height=480", rgb_to_rgb(true));
  check_transform("format=BGRA,width=16,height=480,colorimetry=2:1:0:0",
                  rgb_to_rgb(false));
  check_transform("format=GRAY8,width=16,height=480", gray_to_rgb(true));
  check_transform("format=GRAY8,width=16,height=480,colorimetry=2:4:0:0",
                  gray_to_rgb(false));
}

void test_visible_part() {
  const GstVideoInfo info = make_info("format=GRAY8,width=64,height=48");
  GstBuffer *buffer = gst_buffer_new_allocate(nullptr, 80 * 60, nullptr);
  Rect part = visible_part(buffer, info);
  g_assert_cmpint(part.width, ==, 64);
  g_assert_cmpint(part.height, ==, 48);

  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(buffer);
  crop->x = 5;
  crop->y = 3;
  crop->width = 100;
  crop->height = 100;
  part = visible_part(buffer, info);
  g_assert_cmpint(part.x, ==, 5);
  g_assert_cmpint(part.y, ==, 3);
  g_assert_cmpint(part.width, ==, 59);
  g_assert_cmpint(part.height, ==, 45);

  // A frame may be larger than the caps say, with the crop anywhere in it.
  gst_buffer_add_video_meta(buffer, GST_VIDEO_FRAME_FLAG_NONE,
                            GST_VIDEO_FORMAT_GRAY8, 80, 60);
  crop->width = 64;
  crop->height = 48;
  crop->x = 16;
  part = visible_part(buffer, info);
  g_assert_cmpint(part.x, ==, 16);
  g_assert_cmpint(part.width, ==, 64);
  g_assert_cmpint(part.height, ==, 48);

  crop->x = G_MAXUINT;
  g_assert_cmpint(visible_part(buffer, info).width, ==, 0);
  gst_buffer_unref(buffer);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/frameview/samples", test_samples);
  g_test_add_func("/frameview/origins", test_origins);
  g_test_add_func("/frameview/default-origin", test_default_origin);
  g_test_add_func("/frameview/colorimetry", test_colorimetry);
  g_test_add_func("/frameview/visible-part", test_visible_part);
  return g_test_run();
}
