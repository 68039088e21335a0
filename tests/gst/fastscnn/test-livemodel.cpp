// SPDX-License-Identifier: LGPL-2.1-or-later
// Replaces the model of a running stream.
#include <cstring>
#include <fstream>

#include "tests/support/elements.h"
#include "tests/support/modelwriter.h"

using namespace fastscnn::testing;

namespace {

const std::string kCaps = caps_of("GRAY8", 64, 48);

/// A model with this name, other labels, and another preferred input.
std::string write_model(const std::string &name, int classes = 4) {
  const std::string file = scratch_folder() + "/" + name + ".safetensors";
  ModelFile model = ModelFile::valid(fastscnn::Variant(), classes);
  model.metadata["name"] = name;
  model.metadata["labels"] = "[";
  for (int id = 0; id < classes; id++)
    model.metadata["labels"] +=
        (id ? ",\"" : "\"") + name + std::to_string(id) + "\"";
  model.metadata["labels"] += "]";
  model.metadata["input_width"] = "320";
  model.metadata["input_height"] = "256";
  const std::vector<uint8_t> bytes = model.bytes();
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return file;
}

void set_model(const Stream &stream, const std::string &file) {
  g_object_set(stream.element, "model-file", file.c_str(), nullptr);
}

std::string model_file(const Stream &stream) {
  g_autofree gchar *file = nullptr;
  g_object_get(stream.element, "model-file", &file, nullptr);
  return file ? file : "";
}

/// Pushes a frame. Returns the name of the model of its mask, or "" if it has
/// none.
std::string push_one(const Stream &stream, int &number,
                     guint *width = nullptr) {
  const OwnedBuffer frame = stream.push(stream.make_frame(number++, 128));
  const GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  if (!meta) return "";
  if (width) *width = gst_buffer_get_video_meta(meta->mask)->width;
  return gst_class_mask_classes_get_model(meta->classes);
}

/// Pushes frames until the model has taken over.
void push_until(const Stream &stream, int &number, const std::string &model) {
  wait_until([&] {
    const std::string found = push_one(stream, number);
    g_assert_false(found.empty());  // every frame has a mask
    return found == model;
  });
}

/// The next element message of this name, or null.
GstMessage *pop_named(const Stream &stream, const char *name) {
  while (GstMessage *message = stream.pop_message(GST_MESSAGE_ELEMENT)) {
    if (gst_message_has_name(message, name)) return message;
    gst_message_unref(message);
  }
  return nullptr;
}

std::string wait_for_warning(const Stream &stream) {
  std::string warning;
  wait_until([&] {
    if (warning.empty()) warning = stream.take_text(GST_MESSAGE_WARNING);
    return !warning.empty();
  });
  return warning;
}

void expect_takeover(const Stream &stream, const std::string &model) {
  GstMessage *message = pop_named(stream, "fastscnn-model");
  g_assert_nonnull(message);
  const GstStructure *s = gst_message_get_structure(message);
  g_assert_cmpstr(gst_structure_get_string(s, "model"), ==, model.c_str());
  g_assert_cmpstr(gst_structure_get_string(s, "backend"), ==, "cpu");
  g_assert_nonnull(strstr(gst_structure_get_string(s, "device"), "fake"));
  g_assert_nonnull(
      strstr(gst_structure_get_string(s, "model-file"), model.c_str()));
  gst_message_unref(message);
}

/// The old model is used until the new one is ready. Then masks have the labels
/// and the input size of the new one. No frame is without a mask.
void test_takes_over() {
  const std::string file = write_model("later");
  for (const char *mode : {"async=false", "async=true", "interval=4"}) {
    FakeControl &control = reset_control();
    Stream stream(std::string("mask-size=network ") + mode, kCaps);
    int number = 0;
    guint before = 0, after = 0;
    wait_until([&] { return push_one(stream, number, &before) == "test"; });

    control.hold_configure();
    set_model(stream, file);
    wait_until([&] { return control.engines == 2; });
    for (int i = 0; i < 20; i++)
      g_assert_true(push_one(stream, number) == "test");
    g_assert_null(pop_named(stream, "fastscnn-model"));
    control.release_configure();
    push_until(stream, number, "later");
    push_one(stream, number, &after);
    g_assert_cmpuint(before, !=, after);
    expect_takeover(stream, "later");
    g_assert_true(model_file(stream) == file);
    wait_until([&] { return control.engines == 1; });  // the old one is gone
    g_assert_false(stream.has_message(GST_MESSAGE_WARNING));
    g_assert_cmpuint(stream.stat("frames"), ==, guint64(number));
  }
}

/// A file that is not a model changes nothing.
void test_cannot_be_loaded() {
  reset_control();
  const std::string garbage = scratch_folder() + "/garbage.safetensors";
  std::ofstream(garbage) << "not a model";
  Stream stream("", kCaps);
  int number = 0;
  push_one(stream, number);
  for (const std::string &file : {garbage, std::string("/nowhere/none")}) {
    set_model(stream, file);
    const std::string warning = wait_for_warning(stream);
    g_assert_nonnull(strstr(warning.c_str(), file.c_str()));
    g_assert_true(
        g_str_has_prefix(warning.c_str(), "The previous model stays in use. "));
    wait_until([&] { return model_file(stream) == model_path(); });
    for (int i = 0; i < 5; i++)
      g_assert_true(push_one(stream, number) == "test");
  }
  g_assert_null(pop_named(stream, "fastscnn-model"));
  g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
}

/// An engine that cannot be made for the frames does not take over either.
void test_cannot_be_configured() {
  for (const char *mode : {"async=false", "async=true"}) {
    FakeControl &control = reset_control();
    Stream stream(mode, kCaps);
    int number = 0;
    wait_until([&] { return push_one(stream, number) == "test"; });
    control.fail_configure = 1;
    set_model(stream, write_model("failing"));
    wait_for_warning(stream);
    g_assert_true(push_one(stream, number) == "test");
    wait_until([&] { return model_file(stream) == model_path(); });
    g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
  }
}

/// The last of several models wins; the others are neither used nor reported.
void test_last_wins() {
  FakeControl &control = reset_control();
  const std::string first = write_model("first"),
                    second = write_model("second");
  Stream stream("", kCaps);
  int number = 0;
  push_one(stream, number);
  control.hold_configure();
  set_model(stream, first);
  wait_until([&] { return control.engines == 2; });
  set_model(stream, "/nowhere/none");
  set_model(stream, second);
  control.release_configure();
  push_until(stream, number, "second");
  expect_takeover(stream, "second");
  g_assert_null(pop_named(stream, "fastscnn-model"));
  g_assert_false(stream.has_message(GST_MESSAGE_WARNING));
  g_assert_true(model_file(stream) == second);
}

/// The size of the frames changes while the model is loaded for the previous
/// one.
void test_new_caps_meanwhile() {
  FakeControl &control = reset_control();
  Stream stream("", kCaps);
  int number = 0;
  guint width = 0;
  push_one(stream, number);
  set_model(stream, write_model("resized"));
  wait_until([&] { return control.configures == 2; });
  stream.set_caps(caps_of("NV12", 96, 64));
  push_until(stream, number, "resized");
  push_one(stream, number, &width);
  g_assert_cmpuint(width, ==, 96);
}

/// The element stops while it loads. Afterwards it starts with the model that
/// was set.
void test_stop_meanwhile() {
  FakeControl &control = reset_control();
  const std::string file = write_model("stopped");
  Stream stream("", kCaps);
  int number = 0;
  push_one(stream, number);
  control.hold_configure();
  set_model(stream, file);
  wait_until([&] { return control.engines == 2; });
  GThread *release = g_thread_new(
      "release",
      [](gpointer data) -> gpointer {
        g_usleep(20000);
        static_cast<FakeControl *>(data)->release_configure();
        return nullptr;
      },
      &control);
  gst_element_set_state(stream.element, GST_STATE_NULL);
  g_thread_join(release);
  g_assert_cmpint(control.engines, ==, 0);
  g_assert_true(model_file(stream) == file);

  Stream later("", "");
  set_model(later, file);
  later.set_caps(kCaps);
  push_until(later, number, "stopped");
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/livemodel/takes-over", test_takes_over);
  g_test_add_func("/livemodel/cannot-be-loaded", test_cannot_be_loaded);
  g_test_add_func("/livemodel/cannot-be-configured", test_cannot_be_configured);
  g_test_add_func("/livemodel/last-wins", test_last_wins);
  g_test_add_func("/livemodel/new-caps-meanwhile", test_new_caps_meanwhile);
  g_test_add_func("/livemodel/stop-meanwhile", test_stop_meanwhile);
  return g_test_run();
}
