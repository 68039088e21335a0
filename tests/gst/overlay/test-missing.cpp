// SPDX-License-Identifier: LGPL-2.1-or-later
/// An overlay without a mask to draw for a second posts one warning that says
/// why.
#include <cstring>

#include "tests/support/elements.h"

using namespace fastscnn::testing;

namespace {

const std::string kCaps = caps_of("GRAY8", 64, 48);

/// Frame number i at 25 per second.
GstBuffer *frame_at(int i) {
  GstBuffer *frame = make_frame(kCaps, 100);
  GST_BUFFER_PTS(frame) = i * 40 * GST_MSECOND;
  return frame;
}

GstBuffer *masked_frame_at(int i, const char *source = "test",
                           GstClockTime age = 0) {
  GstBuffer *frame = frame_at(i);
  attach(frame, make_ids(64, 48, 2, 0, 32), 64, 48, 0, 0, 64, 48, source, age);
  return frame;
}

void expect(const Harness &overlay, const char *words) {
  const std::string text = overlay.take_text(GST_MESSAGE_WARNING);
  if (!strstr(text.c_str(), words))
    g_error("expected \"%s\" in \"%s\"", words, text.c_str());
}

void expect_nothing(const Harness &overlay) {
  g_assert_true(overlay.take_text(GST_MESSAGE_WARNING).empty());
}

/// Pushes frames number begin to end - 1.
template <typename Make>
void push(const Harness &overlay, int begin, int end, const Make &make) {
  for (int i = begin; i < end; i++) overlay.push(make(i));
}

void test_no_mask() {
  const Harness overlay("classmaskoverlay", kCaps);
  push(overlay, 0, 25, frame_at);
  expect_nothing(overlay);
  push(overlay, 25, 26, frame_at);
  expect(overlay,
         "No frame has had a mask to draw so far: the frames carry no mask, "
         "and there is no fastscnn upstream");
  push(overlay, 26, 100, frame_at);
  expect_nothing(overlay);
}

/// A restarted stream gets a new warning, which ignores the previous stream.
void test_restart() {
  Harness overlay("classmaskoverlay", kCaps);
  push(overlay, 0, 40, [](int i) { return masked_frame_at(i); });
  push(overlay, 40, 80, frame_at);
  expect(overlay, "no mask to draw, as they had before");
  for (GstState state : {GST_STATE_READY, GST_STATE_PLAYING})
    g_assert_cmpint(gst_element_set_state(overlay.element, state), ==,
                    GST_STATE_CHANGE_SUCCESS);
  overlay.set_caps(kCaps);
  push(overlay, 0, 40, frame_at);
  expect(overlay, "No frame has had a mask to draw so far");
}

/// An occasional mask is enough to prevent the warning.
void test_masks_between() {
  const Harness overlay("classmaskoverlay", kCaps);
  push(overlay, 0, 200,
       [](int i) { return i % 20 ? frame_at(i) : masked_frame_at(i); });
  expect_nothing(overlay);
  push(overlay, 200, 230, frame_at);
  expect(overlay, "no mask to draw, as they had before: the frames carry no");
}

void test_other_source() {
  const Harness overlay("classmaskoverlay name=overlay source=mine", kCaps);
  push(overlay, 0, 40, [](int i) {
    GstBuffer *frame = masked_frame_at(i, "yours");
    attach(frame, make_ids(64, 48, 2, 0, 32), 64, 48, 0, 0, 64, 48, "theirs");
    return frame;
  });
  expect(overlay, "their masks come from theirs and yours, not from mine;");
  expect_nothing(overlay);
  // Another setting causes another warning.
  g_object_set(overlay.element, "source", "hers", nullptr);
  push(overlay, 40, 80, [](int i) { return masked_frame_at(i, "yours"); });
  expect(overlay, "their masks come from yours, not from hers;");
}

void test_too_old() {
  const Harness overlay("classmaskoverlay max-age=500000000", kCaps);
  push(overlay, 0, 40,
       [](int i) { return masked_frame_at(i, "test", 750 * GST_MSECOND); });
  expect(overlay, "the newest mask is 0.750 s old; max-age allows 0.500 s old");
}

/// The warning names the elements between the producer and the overlay.
void test_dropped() {
  struct {
    const char *between, *words;
  } const cases[] = {
      {"", nullptr},
      {"videoflip name=flip video-direction=90r ! ",
       "flip drops the masks of streets; put it before streets."},
      {"bin.( videoflip name=flip video-direction=180 ) ! identity name=same "
       "! ",
       "one of the elements same and flip drops the masks of streets; put it "
       "before streets."},
  };
  for (const auto &c : cases) {
    const std::string line =
        fastscnn_line("name=streets infer-width=64 infer-height=32") + " ! " +
        c.between + "classmaskoverlay";
    GstHarness *h = gst_harness_new_parse(line.c_str());
    GstBus *bus = gst_bus_new();
    gst_element_set_bus(h->element, bus);
    gst_harness_set_src_caps_str(h, kCaps.c_str());
    for (int i = 0; i < 40; i++)
      g_assert_cmpint(gst_harness_push(h, frame_at(i)), ==, GST_FLOW_OK);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
    g_assert_true(!message == !c.words);
    if (message) {
      g_autoptr(GError) error = nullptr;
      gst_message_parse_warning(message, &error, nullptr);
      if (!strstr(error->message, c.words))
        g_error("expected \"%s\" in \"%s\"", c.words, error->message);
      gst_message_unref(message);
    }
    gst_bus_set_flushing(bus, TRUE);
    gst_harness_teardown(h);
    gst_object_unref(bus);
  }
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/missing/no-mask", test_no_mask);
  g_test_add_func("/missing/restart", test_restart);
  g_test_add_func("/missing/masks-between", test_masks_between);
  g_test_add_func("/missing/other-source", test_other_source);
  g_test_add_func("/missing/too-old", test_too_old);
  g_test_add_func("/missing/dropped", test_dropped);
  return g_test_run();
}
