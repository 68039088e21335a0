// SPDX-License-Identifier: LGPL-2.1-or-later
/// Measures painting on one thread. Prints one JSON object per line. The last
/// lines compare the element with GStreamer's compositor, which blends a
/// ready-made RGBA image of the mask into the frame.
///
///   bench-overlay [WIDTH HEIGHT [FRAMES]]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "cpu/painter/painter.h"
#include "tests/bench/timing.h"
#include "tests/support/frames.h"
#include "tests/support/harness.h"
#include "tests/support/masks.h"
#include "tests/support/must.h"

using namespace fastscnn;
using reference::Lcg;
using testing::caps_of;
using testing::make_frame;

namespace {

constexpr int kClasses = 11;
constexpr int kWarmUp = 2;  // frames that set up caps, pools and tables

/// A mask like those of a network: each pixel has the class with the largest
/// bilinearly interpolated random logit. About 20 edges per row.
std::vector<uint8_t> make_mask(int width, int height) {
  constexpr int kCell = 128;
  const int columns = width / kCell + 2, rows = height / kCell + 2;
  Lcg lcg(7);
  std::vector<int> logits(size_t(columns) * rows * kClasses);
  for (int &logit : logits) logit = static_cast<int>(lcg.bits() % 1024);
  std::vector<uint8_t> mask(size_t(width) * height);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const int fx = x % kCell, fy = y % kCell;
      const int *a =
          &logits[size_t(y / kCell * columns + x / kCell) * kClasses];
      const int *b = a + size_t(columns) * kClasses;
      int best = -1;
      for (int id = 0; id < kClasses; id++) {
        const int upper = a[id] * (kCell - fx) + a[id + kClasses] * fx;
        const int lower = b[id] * (kCell - fx) + b[id + kClasses] * fx;
        const int logit = upper * (kCell - fy) + lower * fy;
        if (logit > best) {
          best = logit;
          mask[size_t(y) * width + x] = static_cast<uint8_t>(id);
        }
      }
    }
  return mask;
}

Rgba color_of(int id) {
  return {static_cast<uint8_t>(id * 23), static_cast<uint8_t>(255 - id * 20),
          static_cast<uint8_t>(id * 97), 128};
}

/// Wall-clock time, and CPU time of this process, which matters more on a busy
/// machine.
struct Times {
  std::vector<double> ms, cpu_ms;

  void add(const std::function<void()> &work) {
    const std::clock_t cpu_begin = std::clock();
    ms.push_back(milliseconds(work));
    cpu_ms.push_back(static_cast<double>(std::clock() - cpu_begin) * 1000 /
                     CLOCKS_PER_SEC);
  }
  void print(const std::string &name, const std::string &format, int width,
             int height) const {
    const Spread wall = summarize(ms), cpu = summarize(cpu_ms);
    std::printf(
        "{\"name\": \"%s\", \"format\": \"%s\", \"width\": %d, \"height\": %d, "
        "\"frames\": %zu, \"ms_min\": %.3f, \"ms_median\": %.3f, "
        "\"ms_p95\": %.3f, \"cpu_ms_min\": %.3f, \"cpu_ms_median\": %.3f}\n",
        name.c_str(), format.c_str(), width, height, ms.size(), wall.min,
        wall.median, wall.p95, cpu.min, cpu.median);
  }
};

void bench_painter(const std::string &format, int width, int height, int frames,
                   const std::vector<uint8_t> &ids) {
  Lcg lcg(1);
  auto test_frame = reference::make_frame(format, width, height, 0, false, lcg);
  const Frame frame = reference::planes_in(test_frame.bytes.data(), test_frame);
  PaintMask mask;
  mask.ids = ids.data();
  mask.stride = mask.width = mask.covers_width = width;
  mask.height = mask.covers_height = height;

  auto painter = make_cpu_painter();
  must(painter->configure(test_frame.info));
  const auto run = [&](const char *name, const PaintStyle &style,
                       const PaintMask &painted) {
    must(painter->paint(frame, painted, style, Queue()));
    Times times;
    for (int i = 0; i < frames; i++)
      times.add([&] { must(painter->paint(frame, painted, style, Queue())); });
    times.print(name, format, width, height);
  };

  PaintStyle style;
  for (int id = 0; id < kClasses; id++) style.color[id] = color_of(id);
  style.background = {0, 0, 0, 255};
  style.margin = 0.02f;
  const char *const names[] = {"blend", "mask",     "contour",
                               "blur",  "pixelate", "cutout"};
  for (int m = 0; m < 6; m++) {
    style.mode = static_cast<PaintMode>(m);
    run(names[m], style, mask);
  }
  style.mode = PaintMode::kBlend;
  style.contours = true;
  run("blend contours", style, mask);
  style.contours = false;
  style.feather = 2;
  run("blend feather=2", style, mask);
  style.feather = 0;
  PaintMask half = mask;
  half.width /= 2;
  half.height /= 2;
  run("blend mask=1/2", style, half);
  PaintMask grid = mask;
  grid.width /= 16;
  grid.height /= 16;
  run("blend mask=1/16", style, grid);

  // Blur a small part of the frame: two classes of eleven.
  for (int id = 2; id < kClasses; id++) style.color[id].a = 0;
  style.mode = PaintMode::kBlur;
  run("blur two classes", style, mask);
}

void attach_mask(GstBuffer *buffer, int width, int height,
                 const std::vector<uint8_t> &ids) {
  const gchar *labels[kClasses];
  guint32 colors[kClasses];
  for (int id = 0; id < kClasses; id++) {
    labels[id] = "class";
    const Rgba c = color_of(id);
    colors[id] = c.r << 16 | c.g << 8 | c.b;
  }
  GstClassMaskClasses *classes =
      gst_class_mask_classes_new("bench", kClasses, labels, colors);
  gst_buffer_add_class_mask_meta(
      buffer, new_image(ids.data(), width, height, GST_ROUND_UP_4(width), 0),
      classes, 0, 0, width, height);
  gst_class_mask_classes_unref(classes);
}

/// Measures the element and the compositor, alternating.
void bench_elements(int width, int height, int frames,
                    const std::vector<uint8_t> &ids) {
  GstElement *mixer = gst_element_factory_make("compositor", nullptr);
  if (!mixer) {
    std::fprintf(stderr, "no compositor to compare with\n");
    return;
  }
  g_object_set(mixer, "max-threads", 1, nullptr);
  const std::string nv12 = caps_of("NV12", width, height);
  GstHarness *below = gst_harness_new_with_element(mixer, "sink_%u", "src");
  GstHarness *above = gst_harness_new_with_element(mixer, "sink_%u", nullptr);
  GstPad *pad = gst_element_get_static_pad(mixer, "sink_1");
  g_object_set(pad, "alpha", 0.5, nullptr);
  gst_object_unref(pad);
  gst_harness_set_caps_str(below, nv12.c_str(), nv12.c_str());
  const std::string rgba = caps_of("RGBA", width, height);
  gst_harness_set_src_caps_str(above, rgba.c_str());
  const testing::OwnedBuffer image(make_frame(rgba, 100));
  GstHarness *ours = gst_harness_new("classmaskoverlay");
  gst_harness_set_caps_str(ours, nv12.c_str(), nv12.c_str());

  Times compositor, overlay;
  for (int i = 0; i < frames + kWarmUp; i++) {
    const GstClockTime pts = i * GST_SECOND / 25;
    GstBuffer *frame = make_frame(nv12, 100);
    GstBuffer *top = gst_buffer_copy(image);
    GST_BUFFER_PTS(frame) = GST_BUFFER_PTS(top) = pts;
    if (i == kWarmUp) compositor = overlay = Times();
    compositor.add([&] {
      gst_harness_push(above, top);
      gst_harness_push(below, frame);
      gst_buffer_unref(gst_harness_pull(below));
    });
    frame = make_frame(nv12, 100);
    GST_BUFFER_PTS(frame) = pts;
    attach_mask(frame, width, height, ids);
    overlay.add([&] {
      gst_harness_push(ours, frame);
      gst_buffer_unref(gst_harness_pull(ours));
    });
  }
  compositor.print("element compositor RGBA", "NV12", width, height);
  overlay.print("element classmaskoverlay blend", "NV12", width, height);
  std::printf(
      "{\"name\": \"compositor / classmaskoverlay\", \"ratio_median\": %.2f, "
      "\"cpu_ratio_median\": %.2f}\n",
      summarize(compositor.ms).median / summarize(overlay.ms).median,
      summarize(compositor.cpu_ms).median / summarize(overlay.cpu_ms).median);
  gst_harness_teardown(above);
  gst_harness_teardown(below);
  gst_harness_teardown(ours);
  gst_object_unref(mixer);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  for (const char *element : {"classmaskoverlay", "compositor"})
    if (GstElementFactory *factory = gst_element_factory_find(element)) {
      gst_object_unref(factory);
    } else {
      std::fprintf(stderr,
                   "bench-overlay: there is no element %s; run "
                   "meson devenv -C build %s\n",
                   element, argv[0]);
      return 1;
    }
  const int width = argc > 2 ? std::atoi(argv[1]) : 1920;
  const int height = argc > 2 ? std::atoi(argv[2]) : 1080;
  const int frames = argc > 3 ? std::atoi(argv[3]) : 60;
  const std::vector<uint8_t> ids = make_mask(width, height);
  for (const char *format : {"NV12", "I420", "YUY2", "RGB", "BGRx"})
    bench_painter(format, width, height, frames, ids);
  bench_elements(width, height, frames, ids);
  return 0;
}
