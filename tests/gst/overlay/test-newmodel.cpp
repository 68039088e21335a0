// SPDX-License-Identifier: LGPL-2.1-or-later
/// A model with other classes takes over upstream of an overlay that protects
/// privacy: from its first mask on, frames are covered.
#include <cstring>
#include <fstream>

#include "tests/support/elements.h"
#include "tests/support/modelwriter.h"

using namespace fastscnn::testing;

namespace {

const std::string kCaps = caps_of("GRAY8", 64, 48);

/// A model of classes a0, a1 and a2 for the name a.
std::string write_model(const std::string &name) {
  const std::string file = scratch_folder() + "/" + name + ".safetensors";
  ModelFile model = ModelFile::valid();
  model.metadata["name"] = name;
  model.metadata["labels"] =
      "[\"" + name + "0\",\"" + name + "1\",\"" + name + "2\"]";
  const std::vector<uint8_t> bytes = model.bytes();
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return file;
}

/// The model of the mask of the next frame, and whether the frame was covered.
std::string push(GstHarness *h, int number, bool *covered) {
  GstBuffer *frame = make_frame(kCaps, -1);
  GST_BUFFER_PTS(frame) = number * 40 * GST_MSECOND;
  const std::vector<uint8_t> before = bytes_of(frame);
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
  const OwnedBuffer out(gst_harness_pull(h));
  const std::vector<uint8_t> after = bytes_of(out);
  size_t changed = 0;
  for (size_t i = 0; i < after.size(); i++) changed += before[i] != after[i];
  *covered = changed > after.size() * 9 / 10;
  if (!*covered) g_assert_cmpuint(changed, ==, 0);
  return gst_class_mask_classes_get_model(
      gst_buffer_get_class_mask_meta(out)->classes);
}

void test_covers() {
  // All classes of the first model stay visible.
  const std::string line =
      "fastscnn name=streets infer-width=64 infer-height=32 model-file=" +
      write_model("a") +
      " ! classmaskoverlay mode=pixelate classes=-a0,-a1,-a2";
  GstHarness *h = gst_harness_new_parse(line.c_str());
  GstBus *bus = gst_bus_new();
  gst_element_set_bus(h->element, bus);
  gst_harness_set_src_caps_str(h, kCaps.c_str());
  int number = 0;
  bool covered = true;
  g_assert_true(push(h, number++, &covered) == "a");
  g_assert_false(covered);

  GstElement *streets = gst_bin_get_by_name(GST_BIN(h->element), "streets");
  g_object_set(streets, "model-file", write_model("b").c_str(), nullptr);
  gst_object_unref(streets);
  wait_until([&] {
    const bool is_new = push(h, number++, &covered) == "b";
    g_assert_true(covered == is_new);
    return is_new;
  });
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING);
  g_assert_nonnull(message);
  g_autoptr(GError) error = nullptr;
  gst_message_parse_warning(message, &error, nullptr);
  g_assert_nonnull(strstr(error->message, "the mask has b0, b1, b2"));
  gst_message_unref(message);
  gst_bus_set_flushing(bus, TRUE);
  gst_harness_teardown(h);
  gst_object_unref(bus);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/newmodel/covers", test_covers);
  return g_test_run();
}
