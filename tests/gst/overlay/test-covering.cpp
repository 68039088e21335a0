// SPDX-License-Identifier: LGPL-2.1-or-later
/// The modes that protect privacy cover whatever is in doubt, and every mask of
/// a frame is drawn.
#include <glib.h>

#include <cstring>

#include "tests/support/harness.h"

using namespace fastscnn::testing;

namespace {

constexpr int kWidth = 120, kHeight = 80;
constexpr int kCar = 2, kPerson = 3;
const std::string kCaps = caps_of("GRAY8", kWidth, kHeight);

/// Compares each column of an overlaid frame with what was pushed: x if most
/// pixels differ, . if none does, ? if some do.
std::string changes(const Harness &overlay, GstBuffer *frame) {
  const std::vector<uint8_t> before = bytes_of(frame);
  const std::vector<uint8_t> after = bytes_of(overlay.push(frame));
  std::string columns;
  for (int x = 0; x < kWidth; x++) {
    int changed = 0;
    for (int y = 0; y < kHeight; y++)
      changed += before[y * kWidth + x] != after[y * kWidth + x];
    columns += changed == 0 ? '.' : changed > kHeight * 9 / 10 ? 'x' : '?';
  }
  return columns;
}

bool all_of(const std::string &columns, char wanted, int begin = 0,
            int end = kWidth) {
  for (int x = begin; x < end; x++)
    if (columns[x] != wanted) return false;
  return true;
}

std::vector<uint8_t> filled(int id) {
  return std::vector<uint8_t>(kWidth * kHeight, static_cast<uint8_t>(id));
}

GstBuffer *noise_with(const std::vector<uint8_t> &ids) {
  GstBuffer *frame = make_frame(kCaps, -1);
  attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight);
  return frame;
}

/// A label that the mask does not have covers the whole frame.
void test_unknown_label() {
  for (const char *mode : {"blur", "pixelate"})
    for (const char *list :
         {"classes=pedestrian", "classes=car,pedestrian", "classes=-pedestrian",
          "class-alpha=pedestrian=1.0"}) {
      const Harness overlay(
          std::string("classmaskoverlay mode=") + mode + " " + list, kCaps);
      g_assert_true(all_of(changes(overlay, noise_with(filled(0))), 'x'));
      const std::string warning = overlay.take_text(GST_MESSAGE_WARNING);
      g_assert_nonnull(strstr(warning.c_str(), "pedestrian"));
      g_assert_nonnull(strstr(warning.c_str(), "road, sky, car, person"));
      g_assert_nonnull(strstr(warning.c_str(), "the whole frame is covered"));
      changes(overlay, noise_with(filled(0)));
      g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
    }
  const Harness known("classmaskoverlay mode=blur classes=person", kCaps);
  g_assert_true(all_of(changes(known, noise_with(filled(0))), '.'));
  const Harness blend("classmaskoverlay classes=pedestrian", kCaps);
  g_assert_true(all_of(changes(blend, noise_with(filled(0))), '.'));
}

/// Replaces the classes of the newest mask by road and pedestrian (or person).
void set_pedestrian(GstBuffer *frame) {
  const gchar *const labels[] = {"road", "pedestrian"};
  const gchar *const aliases[] = {"person"};
  GstClassMaskClasses *classes = gst_class_mask_classes_new_with_aliases(
      "other", 2, labels, kColors, 1, aliases, labels + 1);
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  std::swap(meta->classes, classes);
  gst_class_mask_classes_unref(classes);
}

/// An alias covers what its label covers, and nothing else.
void test_alias() {
  for (const char *list : {"pedestrian", "person", "Person", "-road"}) {
    const Harness overlay(std::string("classmaskoverlay blur-margin=0 "
                                      "mode=pixelate classes=") +
                              list,
                          kCaps);
    std::vector<uint8_t> ids = filled(0);
    for (int y = 0; y < kHeight; y++)
      for (int x = 0; x < 40; x++) ids[y * kWidth + x] = 1;
    GstBuffer *frame = noise_with(ids);
    set_pedestrian(frame);
    const std::string columns = changes(overlay, frame);
    g_assert_true(all_of(columns, 'x', 0, 40));
    g_assert_true(all_of(columns, '.', 50));
    g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
  }
  const Harness unknown("classmaskoverlay mode=blur classes=persons", kCaps);
  GstBuffer *frame = noise_with(filled(0));
  set_pedestrian(frame);
  g_assert_true(all_of(changes(unknown, frame), 'x'));
  g_assert_nonnull(strstr(unknown.take_text(GST_MESSAGE_WARNING).c_str(),
                          "road, pedestrian (person)"));
}

/// A name that is a label of one mask and an alias of another covers both.
void test_alias_of_one_mask() {
  const Harness overlay(
      "classmaskoverlay mode=blur blur-margin=0 classes=person", kCaps);
  GstBuffer *frame = make_frame(kCaps, -1);
  attach(frame, filled(kPerson), kWidth, kHeight, 0, 0, 60, kHeight, "one");
  attach(frame, filled(1), kWidth, kHeight, 60, 0, 60, kHeight, "two");
  set_pedestrian(frame);
  g_assert_true(all_of(changes(overlay, frame), 'x'));
  g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
}

/// A label that a new model does not have covers the whole frame.
void test_other_classes() {
  const Harness overlay("classmaskoverlay mode=blur classes=person", kCaps);
  g_assert_true(all_of(changes(overlay, noise_with(filled(0))), '.'));

  GstBuffer *frame = noise_with(filled(0));
  const gchar *const labels[] = {"street", "pedestrian"};
  GstClassMaskClasses *classes =
      gst_class_mask_classes_new("other", 2, labels, kColors);
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  std::swap(meta->classes, classes);
  gst_class_mask_classes_unref(classes);
  g_assert_true(all_of(changes(overlay, frame), 'x'));
  g_assert_nonnull(strstr(overlay.take_text(GST_MESSAGE_WARNING).c_str(),
                          "street, pedestrian"));

  // The first model has the label.
  g_assert_true(all_of(changes(overlay, noise_with(filled(0))), '.'));
}

/// Pixels of unknown class may show a person.
void test_unknown_pixels() {
  for (const char *mode : {"blur", "pixelate"}) {
    const Harness overlay(std::string("classmaskoverlay classes=person "
                                      "blur-margin=0 mode=") +
                              mode,
                          kCaps);
    std::vector<uint8_t> ids = filled(0);
    for (int y = 0; y < kHeight; y++)
      for (int x = 0; x < 40; x++) ids[y * kWidth + x] = 255;
    const std::string columns = changes(overlay, noise_with(ids));
    g_assert_true(all_of(columns, 'x', 0, 40));
    g_assert_true(all_of(columns, '.', 50));
    // An id that the class table does not have is unknown, too.
    g_assert_true(all_of(changes(overlay, noise_with(filled(77))), 'x'));
  }
}

/// Pixels beyond the mask are covered.
void test_beyond_the_mask() {
  for (const char *mode : {"blur", "pixelate", "blend"}) {
    const Harness overlay(std::string("classmaskoverlay classes=person "
                                      "blur-margin=0 mode=") +
                              mode,
                          kCaps);
    GstBuffer *frame = make_frame(kCaps, -1);
    attach(frame, filled(0), kWidth, kHeight, 0, 0, 60, kHeight);
    const std::string columns = changes(overlay, frame);
    g_assert_true(all_of(columns, '.', 0, 50));
    g_assert_true(
        all_of(columns, strcmp(mode, "blend") ? 'x' : '.', 70, kWidth));
  }
}

/// Two cameras side by side, as behind a compositor.
void test_two_masks() {
  for (const char *mode : {"blur", "pixelate", "blend"}) {
    const Harness overlay(std::string("classmaskoverlay classes=person "
                                      "blur-margin=0 mode=") +
                              mode,
                          kCaps);
    GstBuffer *frame = make_frame(kCaps, -1);
    std::vector<uint8_t> left = filled(0), right = filled(0);
    for (int y = 0; y < kHeight; y++) {
      for (int x = 0; x < 40; x++) left[y * kWidth + x] = kPerson;
      for (int x = 80; x < kWidth; x++) right[y * kWidth + x] = kPerson;
    }
    attach(frame, left, kWidth, kHeight, 0, 0, 60, kHeight, "one");
    attach(frame, right, kWidth, kHeight, 60, 0, 60, kHeight, "two");
    const std::string columns = changes(overlay, frame);
    g_assert_true(all_of(columns, 'x', 0, 18));
    g_assert_true(all_of(columns, '.', 26, 94));
    g_assert_true(all_of(columns, 'x', 102));
  }
}

/// Pushes a frame of noise with this mask, the last of its stream.
void push_last(GstElement *pipeline, const char *name,
               const std::vector<uint8_t> &ids, GstBuffer *frame) {
  GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), name);
  GstFlowReturn flow;
  attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight, name);
  g_signal_emit_by_name(source, "push-buffer", frame, &flow);
  g_signal_emit_by_name(source, "end-of-stream", &flow);
  gst_buffer_unref(frame);
  gst_object_unref(source);
}

/// Two cameras in one frame. The compositor of GStreamer 1.28 keeps both masks,
/// older ones drop them.
void test_compositor() {
  guint major, minor, micro, nano;
  gst_version(&major, &minor, &micro, &nano);
  const bool kept = minor >= 28;
  const std::string caps = caps_of("I420", kWidth, kHeight,
                                   "colorimetry=bt709,pixel-aspect-ratio=1/1");
  std::vector<uint8_t> left = filled(0), right = filled(0);
  for (int y = 0; y < kHeight; y++) {
    for (int x = 0; x < 40; x++) left[y * kWidth + x] = kPerson;
    for (int x = 80; x < kWidth; x++) right[y * kWidth + x] = kPerson;
  }
  for (const char *mode : {"blur", "pixelate", "blend"}) {
    const Element wall(
        "compositor name=mix sink_1::xpos=120 ! video/x-raw,width=240,"
        "height=80 ! classmaskoverlay classes=person blur-margin=0 mode=" +
        std::string(mode) +
        " ! appsink name=out sync=false appsrc name=one format=time caps=\"" +
        caps + "\" ! mix. appsrc name=two format=time caps=\"" + caps +
        "\" ! mix.");
    GstBuffer *frame = make_frame(caps, -1);
    gst_buffer_memset(frame, kWidth * kHeight, 128, -1);  // grey
    const std::vector<uint8_t> before = bytes_of(frame);
    gst_element_set_state(wall.element, GST_STATE_PLAYING);
    push_last(wall.element, "one", left, gst_buffer_copy_deep(frame));
    push_last(wall.element, "two", right, frame);
    GstElement *out = gst_bin_get_by_name(GST_BIN(wall.element), "out");
    GstSample *sample = nullptr;
    g_signal_emit_by_name(out, "try-pull-sample", 30 * GST_SECOND, &sample);
    g_assert_nonnull(sample);
    const std::vector<uint8_t> after = bytes_of(gst_sample_get_buffer(sample));
    std::string columns;
    for (int x = 0; x < 2 * kWidth; x++) {
      int changed = 0;
      for (int y = 0; y < kHeight; y++)
        changed += before[y * kWidth + x % kWidth] != after[y * 2 * kWidth + x];
      columns += changed == 0 ? '.' : changed > kHeight * 9 / 10 ? 'x' : '?';
    }
    gst_sample_unref(sample);
    gst_object_unref(out);
    const bool protects = strcmp(mode, "blend") != 0;
    g_test_message("%s: %s", mode, columns.c_str());
    g_assert_true(all_of(columns, kept || protects ? 'x' : '.', 0, 38));
    g_assert_true(all_of(columns, kept || !protects ? '.' : 'x', 48, 192));
    g_assert_true(all_of(columns, kept || protects ? 'x' : '.', 202, 240));
  }
}

/// Where masks overlap, the newest is drawn, but a person in either is hidden.
void test_overlapping_masks() {
  const auto push = [](const char *properties) {
    const Harness overlay(
        std::string("classmaskoverlay blur-margin=0 ") + properties, kCaps);
    GstBuffer *frame = make_frame(kCaps, -1);
    attach(frame, filled(kPerson), kWidth, kHeight, 0, 0, 80, kHeight, "one");
    attach(frame, filled(kCar), kWidth, kHeight, 40, 0, 80, kHeight, "two");
    return changes(overlay, frame);
  };
  std::string columns = push("classes=person");
  g_assert_true(all_of(columns, 'x', 0, 40));
  g_assert_true(all_of(columns, '.', 40));
  columns = push("classes=person mode=blur");
  g_assert_true(all_of(columns, 'x', 0, 80));
  g_assert_true(all_of(columns, '.', 90));
  // With one mask selected by name, the frame beyond it is covered.
  columns = push("classes=person mode=blur source=two");
  g_assert_true(all_of(columns, 'x', 0, 38));
  g_assert_true(all_of(columns, '.', 48));
}

/// Equal labels of several class tables are one class.
void test_two_class_tables() {
  const Harness overlay("classmaskoverlay classes=person legend=none", kCaps);
  GstBuffer *frame = make_frame(kCaps, -1);
  attach(frame, filled(0), kWidth, kHeight, 0, 0, 60, kHeight, "one");
  attach(frame, filled(0), kWidth, kHeight, 60, 0, 60, kHeight, "two");
  const gchar *const labels[] = {"person", "road"};
  GstClassMaskClasses *classes =
      gst_class_mask_classes_new("other", 2, labels, kColors);
  GstClassMaskMeta *meta =
      gst_buffer_get_class_mask_meta_by_source(frame, "two");
  std::swap(meta->classes, classes);
  gst_class_mask_classes_unref(classes);
  const std::string columns = changes(overlay, frame);
  g_assert_true(all_of(columns, '.', 0, 60));
  g_assert_true(all_of(columns, 'x', 60));
}

/// Pushes a frame through a chain of elements.
OwnedBuffer push_through(const std::string &chain, const std::string &caps,
                         GstBuffer *frame) {
  GstHarness *harness = gst_harness_new_parse(chain.c_str());
  gst_harness_set_src_caps_str(harness, caps.c_str());
  gst_harness_push(harness, frame);
  GstBuffer *pushed = gst_harness_pull(harness);
  gst_harness_teardown(harness);
  return OwnedBuffer(pushed);
}

/// videoscale does not say whether it added borders: blur covers both possible
/// places of the mask, other modes assume borders.
void test_letterbox() {
  constexpr int kWide = 240;
  const auto columns = [](const std::string &mode) {
    const std::string scale =
        "videoscale ! video/x-raw,width=240,height=80,pixel-aspect-ratio=1/1 "
        "! identity";
    const std::string caps =
        caps_of("GRAY8", kWidth, kHeight, "pixel-aspect-ratio=1/1");
    GstBuffer *frame = make_frame(caps, -1);
    std::vector<uint8_t> ids = filled(0);
    for (int y = 0; y < kHeight; y++)
      for (int x = 0; x < 40; x++) ids[y * kWidth + x] = kPerson;
    attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight);
    const OwnedBuffer plain =
        push_through(scale, caps, gst_buffer_copy_deep(frame));
    const OwnedBuffer painted = push_through(
        scale + " ! classmaskoverlay classes=person blur-margin=0 mode=" + mode,
        caps, frame);
    const std::vector<uint8_t> before = bytes_of(plain),
                               after = bytes_of(painted);
    std::string found;
    for (int x = 0; x < kWide; x++) {
      int changed = 0;
      for (int y = 0; y < kHeight; y++)
        changed += before[y * kWide + x] != after[y * kWide + x];
      found += changed == 0 ? '.' : changed > kHeight * 9 / 10 ? 'x' : '?';
    }
    return found;
  };
  // The frame lies in columns 60 to 180, the person in its left third.
  for (const char *mode : {"blur", "pixelate"}) {
    const std::string found = columns(mode);
    g_test_message("%s: %s", mode, found.c_str());
    g_assert_true(all_of(found, 'x', 62, 98));
    // GStreamer 1.28 reports borders. No mask covers them, so they are blurred,
    // and the blur reaches into the frame.
    g_assert_true(all_of(found, '.', 112, 168));
  }
  const std::string found = columns("blend");
  g_assert_true(all_of(found, '.', 0, 60));
  g_assert_true(all_of(found, 'x', 60, 100));
  g_assert_true(all_of(found, '.', 100, kWide));
}

/// A mask that cannot be read covers the frame.
void test_unreadable_mask() {
  const Harness overlay("classmaskoverlay mode=blur classes=person", kCaps);
  GstBuffer *frame = noise_with(filled(0));
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  GstBuffer *empty = gst_buffer_new();
  std::swap(meta->mask, empty);
  gst_buffer_unref(empty);
  g_assert_true(all_of(changes(overlay, frame), 'x'));
}

/// A frame that cannot be covered is not passed on.
void test_unreadable_frame() {
  for (const char *mode : {"blur", "pixelate", "blend"}) {
    const Harness overlay(std::string("classmaskoverlay mode=") + mode, kCaps);
    GstBuffer *frame = noise_with(filled(kPerson));
    gst_buffer_resize(frame, 0, 100);
    g_assert_cmpint(gst_harness_push(overlay.harness, frame), ==, GST_FLOW_OK);
    const OwnedBuffer passed(gst_harness_try_pull(overlay.harness));
    g_assert_true((passed.get() == nullptr) == (strcmp(mode, "blend") != 0));
    g_assert_false(overlay.take_text(GST_MESSAGE_WARNING).empty());
    g_assert_false(all_of(changes(overlay, noise_with(filled(kPerson))), '.'));
  }
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/covering/unknown-label", test_unknown_label);
  g_test_add_func("/covering/alias", test_alias);
  g_test_add_func("/covering/alias-of-one-mask", test_alias_of_one_mask);
  g_test_add_func("/covering/other-classes", test_other_classes);
  g_test_add_func("/covering/unknown-pixels", test_unknown_pixels);
  g_test_add_func("/covering/beyond-the-mask", test_beyond_the_mask);
  g_test_add_func("/covering/two-masks", test_two_masks);
  g_test_add_func("/covering/compositor", test_compositor);
  g_test_add_func("/covering/overlapping-masks", test_overlapping_masks);
  g_test_add_func("/covering/two-class-tables", test_two_class_tables);
  g_test_add_func("/covering/letterbox", test_letterbox);
  g_test_add_func("/covering/unreadable-mask", test_unreadable_mask);
  g_test_add_func("/covering/unreadable-frame", test_unreadable_frame);
  return g_test_run();
}
