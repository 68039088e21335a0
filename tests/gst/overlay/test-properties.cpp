// SPDX-License-Identifier: LGPL-2.1-or-later
/// Properties of classmaskoverlay that change while it is PLAYING, invalid
/// values, and the legend.
#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>

#include <glib/gstdio.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "gst/overlay/legend.h"
#include "tests/support/harness.h"

using namespace fastscnn;
using namespace fastscnn::testing;

namespace {

constexpr int kSize = 64;
const std::string kCaps = caps_of("RGB", kSize, kSize);

struct Overlay : Harness {
  explicit Overlay(const std::string &properties,
                   const std::string &caps = kCaps)
      : Harness("classmaskoverlay " + properties, caps) {}
};

/// A pixel of each half of a grey frame after painting: on the left is a car
/// (red), on the right a person (green).
struct Halves {
  int car[3], person[3];
};

GstBuffer *make_halves(GstClockTime pts) {
  GstBuffer *frame = make_frame(kCaps, 100);
  GST_BUFFER_PTS(frame) = pts;
  auto ids = make_ids(kSize, kSize, 3, 0, kSize);
  const auto cars = make_ids(kSize, kSize, 2, 0, kSize / 2);
  for (size_t i = 0; i < ids.size(); i++)
    if (cars[i] == 2) ids[i] = 2;
  attach(frame, ids, kSize, kSize, 0, 0, kSize, kSize);
  return frame;
}

Halves push_halves(Overlay *overlay, GstClockTime pts = 0) {
  const OwnedBuffer found = overlay->push(make_halves(pts));
  const auto bytes = bytes_of(found);
  Halves halves;
  // The middle row, between legends.
  const size_t row = size_t(kSize) * 3 * (kSize / 2);
  for (int c = 0; c < 3; c++) {
    halves.car[c] = bytes[row + 30 + c];
    halves.person[c] = bytes[row + size_t(kSize - 10) * 3 + c];
  }
  return halves;
}

void set(Overlay *overlay, const char *property, const char *value) {
  gst_util_set_object_arg(G_OBJECT(overlay->element), property, value);
}

/// Each change shows in the next frame.
void test_settings() {
  Overlay overlay("");
  Halves h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], >, 170);
  g_assert_cmpint(h.person[1], >, 170);
  set(&overlay, "classes", "car");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], >, 170);
  g_assert_cmpint(h.person[1], ==, 100);
  set(&overlay, "classes", "-car");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], ==, 100);
  g_assert_cmpint(h.person[1], >, 170);
  set(&overlay, "classes", "");
  set(&overlay, "class-alpha", "car=1.0, person=0.1");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], ==, 255);
  g_assert_cmpint(h.person[1], <, 120);
  set(&overlay, "class-alpha", "");
  set(&overlay, "alpha", "0");
  g_assert_cmpint(push_halves(&overlay).car[0], ==, 100);
  set(&overlay, "alpha", "1");
  set(&overlay, "palette", "cityscapes");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[2], ==, 142);
  g_assert_cmpint(h.person[0], ==, 220);
  set(&overlay, "mode", "mask");
  set(&overlay, "classes", "person");
  set(&overlay, "background-color", "0xff102030");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], ==, 0x10);
  g_assert_cmpint(h.car[2], ==, 0x30);
  set(&overlay, "mode", "cutout");
  h = push_halves(&overlay);
  g_assert_cmpint(h.car[1], ==, 0x20);
  g_assert_cmpint(h.person[1], ==, 100);
  g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
}

/// Every property can be set in a launch line.
void test_launch_syntax() {
  const std::map<std::string, std::string> values = {
      {"mode", "contour"},       {"alpha", "0.3"},
      {"classes", "-road,-sky"}, {"class-alpha", "person=1.0,road=0.2"},
      {"palette", "distinct"},   {"contours", "true"},
      {"contour-width", "3"},    {"feather", "1.5"},
      {"blur-margin", "0.05"},   {"on-missing", "cover-all"},
      {"source", "net0"},        {"legend", "bottom-right"},
      {"draw-unknown", "true"},  {"background-color", "0x80102030"},
      {"max-age", "1000000000"}, {"zones", "true"}};
  std::string line;
  for (const auto &[name, value] : values) line += name + "=" + value + " ";
  Overlay overlay(line), expected("");
  GObject *object = G_OBJECT(overlay.element);
  guint count = 0;
  GParamSpec **specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(object), &count);
  size_t found = 0;
  for (guint i = 0; i < count; i++) {
    if (specs[i]->owner_type != G_OBJECT_TYPE(object)) continue;
    const auto value = values.find(specs[i]->name);
    g_assert_true(value != values.end());
    set(&expected, specs[i]->name, value->second.c_str());
    GValue a = G_VALUE_INIT, b = G_VALUE_INIT;
    g_object_get_property(object, specs[i]->name, &a);
    g_object_get_property(G_OBJECT(expected.element), specs[i]->name, &b);
    g_test_message("%s", specs[i]->name);
    g_assert_cmpint(gst_value_compare(&a, &b), ==, GST_VALUE_EQUAL);
    g_assert_false(g_param_value_defaults(specs[i], &a));
    g_value_unset(&a);
    g_value_unset(&b);
    found++;
  }
  g_free(specs);
  g_assert_cmpuint(found, ==, values.size());
}

/// Another thread sets every property while frames flow.
void test_other_thread() {
  Overlay overlay("legend=top-left");
  std::atomic<bool> done{false};
  std::thread setter([&] {
    const char *const values[][3] = {
        {"mode", "blend", "pixelate"},
        {"alpha", "0.2", "0.9"},
        {"classes", "car", "-person"},
        {"class-alpha", "car=0.3", ""},
        {"palette", "distinct", "camvid"},
        {"contours", "true", "false"},
        {"contour-width", "1", "7"},
        {"feather", "2.5", "0"},
        {"blur-margin", "0.1", "0"},
        {"on-missing", "pass", "cover-all"},
        {"source", "test", ""},
        {"legend", "none", "bottom-right"},
        {"draw-unknown", "true", "false"},
        {"max-age", "7", "0"},
        {"zones", "true", "false"},
        {"background-color", "0x80ffffff", "0xff000000"}};
    for (int i = 0; !done; i++)
      for (const auto &v : values) set(&overlay, v[0], v[1 + i % 2]);
  });
  for (int i = 0; i < 400; i++) push_halves(&overlay, i * GST_SECOND / 25);
  done = true;
  setter.join();
  for (const char *text :
       {"mode=blend", "alpha=0.5",
        "classes=", "class-alpha=", "palette=", "contours=false", "feather=0",
        "source=", "legend=none", "draw-unknown=false", "max-age=0"}) {
    const std::string setting = text;
    const size_t equals = setting.find('=');
    set(&overlay, setting.substr(0, equals).c_str(),
        setting.substr(equals + 1).c_str());
  }
  const Halves h = push_halves(&overlay);
  Overlay fresh("");
  const Halves expected = push_halves(&fresh);
  for (int c = 0; c < 3; c++) {
    g_assert_cmpint(h.car[c], ==, expected.car[c]);
    g_assert_cmpint(h.person[c], ==, expected.person[c]);
  }
}

void test_controller() {
  Overlay overlay("");
  GstControlSource *source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  auto *timed = GST_TIMED_VALUE_CONTROL_SOURCE(source);
  gst_timed_value_control_source_set(timed, 0, 0.0);
  gst_timed_value_control_source_set(timed, 10 * GST_SECOND, 1.0);
  g_assert_true(gst_object_add_control_binding(
      GST_OBJECT(overlay.element),
      gst_direct_control_binding_new(GST_OBJECT(overlay.element), "alpha",
                                     source)));
  gst_object_unref(source);
  for (int second : {0, 2, 5, 10, 3}) {
    const Halves h = push_halves(&overlay, second * GST_SECOND);
    const int expected = 100 + 155 * second / 10;
    g_assert_cmpint(std::abs(h.car[0] - expected), <=, 1);
  }
}

void test_unknown_labels() {
  Overlay overlay("classes=car,plane class-alpha=car=1.0,boat=0.5");
  const Halves h = push_halves(&overlay);
  g_assert_cmpint(h.car[0], ==, 255);
  g_assert_cmpint(h.person[1], ==, 100);
  const std::string first = overlay.take_text(GST_MESSAGE_WARNING);
  g_assert_cmpstr(first.c_str(), ==,
                  "classes: there is no class \"plane\"; the mask has road, "
                  "sky, car, person.");
  const std::string second = overlay.take_text(GST_MESSAGE_WARNING);
  g_assert_nonnull(strstr(second.c_str(), "boat"));
  // The element warns once, not for every frame.
  push_halves(&overlay);
  g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
}

void test_bad_palette() {
  gchar *folder = g_dir_make_tmp("palette-XXXXXX", nullptr);
  gchar *file = g_build_filename(folder, "my.txt", nullptr);
  g_assert_true(g_file_set_contents(file, "# mine\ncar 1 2 3\nperson 4 5 600\n",
                                    -1, nullptr));

  // A playing element keeps its colours.
  Overlay overlay("alpha=1");
  push_halves(&overlay);
  set(&overlay, "palette", file);
  const std::string warning = overlay.take_text(GST_MESSAGE_WARNING);
  g_assert_nonnull(strstr(warning.c_str(), "line 3"));
  g_assert_nonnull(strstr(warning.c_str(), "600"));
  g_assert_cmpint(push_halves(&overlay).car[0], ==, 255);

  // An element that starts fails.
  const Element starting(std::string("classmaskoverlay palette=") + file);
  g_assert_false(starting.starts());
  const std::string error = starting.take_text(GST_MESSAGE_ERROR);
  g_assert_nonnull(strstr(error.c_str(), "line 3"));

  g_assert_true(g_file_set_contents(
      file, "# mine\ncar 1 2 3\n\"person\" 4 5 6 255\n", -1, nullptr));
  set(&overlay, "palette", file);
  const Halves h = push_halves(&overlay);
  g_assert_cmpint(h.car[1], ==, 2);
  g_assert_cmpint(h.person[2], ==, 6);
  g_unlink(file);
  g_rmdir(folder);
  g_free(file);
  g_free(folder);
}

/// The pixels that a legend changed: columns [x0, x1), rows [y0, y1).
struct Box {
  int x0 = 1 << 30, y0 = 1 << 30, x1 = 0, y1 = 0;
};

Box legend_box(int width, int height, const std::string &corner) {
  const std::string caps = caps_of("RGB", width, height);
  const auto paint = [&](const std::string &properties) {
    GstBuffer *frame = make_frame(caps, 100);
    attach(frame, make_ids(width, height, 2, 0, width / 2), width, height, 0, 0,
           width, height);
    Overlay overlay(properties, caps);
    return bytes_of(overlay.push(frame));
  };
  const auto without = paint(""), with = paint("legend=" + corner);
  const size_t stride = without.size() / height;
  Box box;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        const size_t i = y * stride + size_t(x) * 3 + c;
        if (without[i] == with[i]) continue;
        box.x0 = std::min(box.x0, x);
        box.y0 = std::min(box.y0, y);
        box.x1 = std::max(box.x1, x + 1);
        box.y1 = std::max(box.y1, y + 1);
      }
  return box;
}

void test_legend() {
  if (!Legend::available()) {
    g_test_skip("built without Pango");
    return;
  }
  const int sizes[][2] = {{320, 240}, {640, 360}, {360, 640}, {3840, 2160}};
  for (const auto &size : sizes) {
    const int w = size[0], h = size[1];
    const Box a = legend_box(w, h, "top-left");
    g_assert_cmpint(a.x1, >, a.x0);
    g_assert_cmpint(a.x1, <, w / 2);
    g_assert_cmpint(a.y1, <, h / 4);
    // One line of text that can be read.
    g_assert_cmpint(a.y1 - a.y0, >=, std::max(18, std::min(w, h) / 30));
    const Box d = legend_box(w, h, "bottom-right");
    g_assert_cmpint(d.x0, >, w / 2);
    g_assert_cmpint(d.y0, >, h * 3 / 4);
    g_assert_cmpint(d.x1 - d.x0, ==, a.x1 - a.x0);
    const Box b = legend_box(w, h, "top-right");
    g_assert_cmpint(b.x0, ==, d.x0);
    g_assert_cmpint(b.y0, ==, a.y0);
    const Box c = legend_box(w, h, "bottom-left");
    g_assert_cmpint(c.x0, ==, a.x0);
    g_assert_cmpint(c.y0, ==, d.y0);
  }
}

/// The legend uses stored counts, and looks the same with equal counted ones.
void test_legend_counts() {
  if (!Legend::available()) {
    g_test_skip("built without Pango");
    return;
  }
  const std::string caps = caps_of("RGB", 320, 240);
  const auto paint = [&](const guint64 *stored) {
    GstBuffer *frame = make_frame(caps, 100);
    attach(frame, make_ids(320, 240, 2, 0, 160), 320, 240, 0, 0, 320, 240);
    GstBuffer *mask = gst_buffer_get_class_mask_meta(frame)->mask;
    g_assert_true(gst_class_mask_set_pixel_counts(mask, stored));
    return bytes_of(Overlay("legend=top-left", caps).push(frame));
  };
  guint64 counts[256] = {};
  counts[2] = counts[GST_CLASS_MASK_UNKNOWN] = 160 * 240;
  const auto counted = paint(nullptr);
  g_assert_true(paint(counts) == counted);
  std::swap(counts[2], counts[3]);
  g_assert_true(paint(counts) != counted);
}

/// A legend is redrawn only when it changes; classes with few pixels do not
/// flicker.
void test_legend_is_stable() {
  if (!Legend::available()) {
    g_test_skip("built without Pango");
    return;
  }
  const Labels labels = {"road", "sky", "car"};
  Rgba colors[256];
  for (int id = 0; id < 3; id++) colors[id] = {10, 20, 30, 255};
  uint64_t counts[256] = {};
  LegendContent content;
  content.corner = LegendCorner::kTopLeft;
  content.frame_width = 640;
  content.frame_height = 360;
  content.labels = &labels;
  content.colors = colors;
  content.counts = counts;
  Legend legend;
  legend.update(content);
  g_assert_null(legend.image());

  counts[0] = 700000;
  counts[1] = 299000;
  legend.update(content);
  g_assert_nonnull(legend.image());
  const uint32_t serial = legend.image()->serial;
  const int two = legend.image()->height;
  counts[0] += 300;
  legend.update(content);
  g_assert_cmpuint(legend.image()->serial, ==, serial);
  counts[2] = 1500;  // 0.15 %: too little to come into view
  legend.update(content);
  g_assert_cmpint(legend.image()->height, ==, two);
  counts[2] = 2500;
  legend.update(content);
  g_assert_cmpint(legend.image()->height, >, two);
  counts[2] = 1500;  // enough to stay
  legend.update(content);
  g_assert_cmpint(legend.image()->height, >, two);
  counts[2] = 500;
  legend.update(content);
  g_assert_cmpint(legend.image()->height, ==, two);
  colors[1].a = 0;  // hidden
  legend.update(content);
  g_assert_cmpint(legend.image()->height, <, two);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/properties/settings", test_settings);
  g_test_add_func("/properties/launch-syntax", test_launch_syntax);
  g_test_add_func("/properties/other-thread", test_other_thread);
  g_test_add_func("/properties/controller", test_controller);
  g_test_add_func("/properties/unknown-labels", test_unknown_labels);
  g_test_add_func("/properties/bad-palette", test_bad_palette);
  g_test_add_func("/legend/corners", test_legend);
  g_test_add_func("/legend/counts", test_legend_counts);
  g_test_add_func("/legend/stable", test_legend_is_stable);
  return g_test_run();
}
