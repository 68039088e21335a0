// SPDX-License-Identifier: LGPL-2.1-or-later
// Errors, and recovery from them; threads and memory of stopped elements.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/elements.h"

using namespace fastscnn::testing;

namespace {

namespace fs = std::filesystem;

const std::string kCaps = caps_of("GRAY8", 64, 48);

/// Expects exactly one error, of this kind and with this text in its sentence.
void check_error(const Element &e, GQuark domain, int code, const char *text) {
  GstMessage *message = e.pop_message(GST_MESSAGE_ERROR);
  g_assert_nonnull(message);
  GError *error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  g_test_message("%s", error->message);
  g_assert_error(error, domain, code);
  g_assert_nonnull(strstr(error->message, text));
  g_error_free(error);
  gst_message_unref(message);
  g_assert_false(e.has_message(GST_MESSAGE_ERROR));
}

void check_cannot_start(const std::string &properties, int code,
                        const char *text) {
  Element e("fastscnn " + properties);
  g_assert_false(e.starts());
  check_error(e, GST_RESOURCE_ERROR, code, text);
  // The same element starts once the setting is repaired.
  install_engines({"cpu"});
  g_object_set(e.element, "model-file", model_path().c_str(), nullptr);
  gst_util_set_object_arg(G_OBJECT(e.element), "backend", "cpu");
  g_object_set(e.element, "cuda-device-id", -1, nullptr);
  g_assert_true(e.starts());
}

void write_file(const std::string &path, const std::string &text) {
  std::ofstream(path) << text;
}

void test_bad_model() {
  install_engines({"cpu"});
  check_cannot_start("model-file=/nowhere/model.safetensors",
                     GST_RESOURCE_ERROR_OPEN_READ,
                     "/nowhere/model.safetensors");
  check_cannot_start("model-file=missing.safetensors",
                     GST_RESOURCE_ERROR_OPEN_READ, "missing.safetensors");
  check_cannot_start("model-file=" + scratch_folder(),
                     GST_RESOURCE_ERROR_OPEN_READ, scratch_folder().c_str());
  const std::string garbage = scratch_folder() + "/garbage.safetensors";
  write_file(garbage, "This is text, not a model.");
  check_cannot_start("model-file=" + garbage, GST_RESOURCE_ERROR_OPEN_READ,
                     "garbage.safetensors");
}

void test_bad_backend() {
  const std::string model = "model-file=" + model_path();
  const std::string module = "/libfastscnn-cpu." G_MODULE_SUFFIX;

  install_engines({});
  check_cannot_start(model, GST_RESOURCE_ERROR_NOT_FOUND, "cpu engine");
  install_engines({"cpu"});
  check_cannot_start(model + " backend=cuda", GST_RESOURCE_ERROR_NOT_FOUND,
                     "libfastscnn-cuda");
  write_file(install_engines({}) + module, "not a module");
  check_cannot_start(model + " backend=cpu", GST_RESOURCE_ERROR_NOT_FOUND,
                     "cpu engine cannot be used");
  fs::create_symlink(OTHER_LIBRARY, install_engines({}) + module);
  check_cannot_start(model + " backend=cpu", GST_RESOURCE_ERROR_NOT_FOUND,
                     "is not an engine module");
  fs::create_symlink(OLDER_MODULE, install_engines({}) + module);
  check_cannot_start(model + " backend=cpu", GST_RESOURCE_ERROR_NOT_FOUND,
                     "cannot be used: it is of version");
  install_engines({"cuda"});
  check_cannot_start(model + " backend=cuda cuda-device-id=99",
                     GST_RESOURCE_ERROR_NOT_FOUND, "99");
}

/// A running element keeps its model when the file changes.
void test_model_changes() {
  install_engines({"cpu"});
  const std::string path = scratch_folder() + "/changing.safetensors";
  fs::copy_file(model_path(), path);
  Stream stream("model-file=" + path, kCaps);
  stream.push(stream.make_frame(0));
  fs::resize_file(path, fs::file_size(path) / 2);
  stream.push(stream.make_frame(1));
  {
    Element later("fastscnn model-file=" + path);
    g_assert_false(later.starts());
    check_error(later, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                "changing.safetensors");
    fs::copy_file(model_path(), path, fs::copy_options::overwrite_existing);
    g_assert_true(later.starts());
  }
  fs::remove(path);
  stream.push(stream.make_frame(2));
}

std::string backend_of(Stream &stream) {
  GstStructure *stats = stream.stats();
  const std::string name = gst_structure_get_string(stats, "backend");
  gst_structure_free(stats);
  return name;
}

void test_auto() {
  install_engines({"cpu", "cuda"});
  {
    Stream stream;
    g_assert_true(backend_of(stream) == "cuda");
  }
  {
    Stream stream("cuda-device-id=99");
    g_assert_true(backend_of(stream) == "cpu");
  }
  install_engines({"cpu"});
  Stream stream;
  g_assert_true(backend_of(stream) == "cpu");
}

std::string device_of(const Stream &stream) {
  GstStructure *stats = stream.stats();
  const std::string name = gst_structure_get_string(stats, "device");
  gst_structure_free(stats);
  return name;
}

void check_precision(const Stream &stream, const std::string &precision) {
  const std::string device = device_of(stream);
  const std::string suffix = ", fake " + precision;
  g_assert_true(g_str_has_suffix(device.c_str(), suffix.c_str()));
}

/// The precision reaches the engine, and the statistics say which it is. With
/// backend=auto, the CPU replaces a GPU that does not support it.
void test_precision() {
  install_engines({"cpu", "cuda"});
  for (const char *precision : {"auto", "fp32", "int8"}) {
    Stream stream("backend=cpu precision=" + std::string(precision));
    check_precision(stream, precision);
    gchar *value = nullptr;
    GValue setting = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(stream.element), "precision", &setting);
    value = gst_value_serialize(&setting);
    g_assert_cmpstr(value, ==, precision);
    g_free(value);
    g_value_unset(&setting);
  }
  check_cannot_start(
      "model-file=" + model_path() + " backend=cuda precision=int8",
      GST_RESOURCE_ERROR_NOT_FOUND, "no int8");
  install_engines({"cpu", "cuda"});
  Stream stream("precision=int8");
  g_assert_true(backend_of(stream) == "cpu");
  check_precision(stream, "int8");
}

void test_unusable_caps() {
  install_engines({"cpu"});
  for (const std::string &caps :
       {caps_of("GRAY8", 8, 8), caps_of("RGB", 9000, 100),
        caps_of("P010_10LE", 64, 64)}) {
    Stream stream("", caps);
    g_assert_cmpint(
        gst_harness_push(stream.harness, gst_buffer_new_allocate(
                                             nullptr, 64 * 64 * 3, nullptr)),
        ==, GST_FLOW_NOT_NEGOTIATED);
    // Valid caps make the element work again.
    stream.set_caps(kCaps);
    stream.push(stream.make_frame(0));
  }
}

/// Checks that the frame passes without a mask, with a warning that contains
/// this text.
void check_passes(const Stream &stream, GstBuffer *frame, const char *text) {
  const OwnedBuffer passed = stream.push(frame);
  g_assert_null(gst_buffer_get_class_mask_meta(passed));
  const std::string warning = stream.take_text(GST_MESSAGE_WARNING);
  g_assert_nonnull(strstr(warning.c_str(), text));
  g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
}

void test_unusable_frames() {
  install_engines({"cpu"});
  Stream stream("", kCaps);
  GstBuffer *frame = stream.make_frame(0);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(frame);
  crop->width = crop->height = 8;
  check_passes(stream, frame, "8x8");

  Stream other("", kCaps);
  check_passes(other, gst_buffer_new_allocate(nullptr, 100, nullptr), "mapped");
}

/// A frame whose GstVideoMeta does not match caps or memory passes, and no byte
/// outside the memory is accessed.
void test_wrong_video_meta() {
  install_engines({"cpu"});
  const struct {
    GstVideoFormat format;
    guint width, height;
    gsize offset;
    gint stride;
    const char *text;
  } cases[] = {
      {GST_VIDEO_FORMAT_GRAY8, 32, 32, 0, 32, "does not match the caps"},
      {GST_VIDEO_FORMAT_RGB, 64, 48, 0, 192, "does not match the caps"},
      {GST_VIDEO_FORMAT_GRAY8, 64, 48, 0, 1000, "outside its memory"},
      {GST_VIDEO_FORMAT_GRAY8, 64, 48, 64, 64, "outside its memory"},
      {GST_VIDEO_FORMAT_GRAY8, 64, 48, 0, -64, "outside its memory"},
      {GST_VIDEO_FORMAT_GRAY8, 64, 48, 1 << 20, 64, "mapped"},
  };
  for (const auto &c : cases) {
    Stream stream("", kCaps);
    GstBuffer *frame = stream.make_frame(0);
    gsize offset[GST_VIDEO_MAX_PLANES] = {c.offset};
    gint stride[GST_VIDEO_MAX_PLANES] = {c.stride};
    gst_buffer_add_video_meta_full(frame, GST_VIDEO_FRAME_FLAG_NONE, c.format,
                                   c.width, c.height, 1, offset, stride);
    check_passes(stream, frame, c.text);
  }
  // A negative stride that begins at the last row is valid.
  Stream stream("", kCaps);
  GstBuffer *frame = stream.make_frame(0);
  gsize offset[GST_VIDEO_MAX_PLANES] = {47 * 64};
  gint stride[GST_VIDEO_MAX_PLANES] = {-64};
  gst_buffer_add_video_meta_full(frame, GST_VIDEO_FRAME_FLAG_NONE,
                                 GST_VIDEO_FORMAT_GRAY8, 64, 48, 1, offset,
                                 stride);
  stream.push(frame);
}

/// The countdown of this call of the engine.
std::atomic<int> &countdown(FakeControl &control, const char *call) {
  return g_str_equal(call, "configure") ? control.fail_configure
                                        : control.fail_segment;
}

/// Pushes frames until one fails; returns whether one did.
bool fails(Stream &stream) {
  for (int i = 0; i < 100; i++) {
    if (gst_harness_push(stream.harness, stream.make_frame(i)) != GST_FLOW_OK)
      return true;
    g_usleep(1000);
  }
  return false;
}

void test_engine_fails() {
  install_engines({"cpu"});
  FakeControl &control = control_of("cpu");
  for (const char *mode : {"async=false", "async=true"})
    for (const char *call : {"configure", "segment"}) {
      control.reset();
      Stream stream(std::string("backend=cpu ") + mode);
      countdown(control, call) = 1;
      stream.set_caps(kCaps);
      if (!g_str_equal(call, "configure") || g_str_equal(mode, "async=true"))
        g_assert_true(fails(stream));
      check_error(stream, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                  call);

      gst_element_set_state(stream.element, GST_STATE_NULL);
      g_assert_cmpint(gst_element_set_state(stream.element, GST_STATE_PLAYING),
                      ==, GST_STATE_CHANGE_SUCCESS);
      stream.set_caps(kCaps);
      stream.flush();
      g_assert_cmpint(gst_harness_push(stream.harness, stream.make_frame(0)),
                      ==, GST_FLOW_OK);
      wait_until([&] { return stream.stat("inferred") == 1; });
    }
  control.reset();
}

/// With backend=auto the CPU takes over, with a warning and a message. No frame
/// is lost and, with async=false, no mask.
void test_fall_back() {
  install_engines({"cpu", "cuda"});
  FakeControl &cuda = control_of("cuda");
  for (const char *mode : {"async=false", "async=true"})
    for (const char *call : {"configure", "segment"}) {
      cuda.reset();
      Stream stream(mode);
      g_assert_true(backend_of(stream) == "cuda");
      countdown(cuda, call) = 1;
      stream.set_caps(kCaps);
      for (int i = 0; i < 5; i++) {
        const OwnedBuffer frame = stream.push(stream.make_frame(i));
        if (g_str_equal(mode, "async=false"))
          g_assert_nonnull(gst_buffer_get_class_mask_meta(frame));
        g_usleep(10000);
      }
      g_assert_true(backend_of(stream) == "cpu");
      wait_until([&] { return stream.stat("inferred") > 0; });
      g_assert_cmpint(cuda.engines, ==, 0);
      g_assert_true(stream.take_text(GST_MESSAGE_WARNING) ==
                    "Falling back to the cpu engine: the previous one failed.");
      GstMessage *message = stream.pop_message(GST_MESSAGE_ELEMENT);
      g_assert_nonnull(message);
      const GstStructure *s = gst_message_get_structure(message);
      g_assert_true(gst_structure_has_name(s, "fastscnn-fallback"));
      g_assert_cmpstr(gst_structure_get_string(s, "backend"), ==, "cpu");
      g_assert_nonnull(strstr(gst_structure_get_string(s, "reason"), call));
      gst_message_unref(message);
      g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
    }
  cuda.reset();
}

/// An allocator without memory.
struct Exhausted {
  GstAllocator allocator;
};
struct ExhaustedClass {
  GstAllocatorClass parent;
};
GType exhausted_get_type();
G_DEFINE_TYPE(Exhausted, exhausted, GST_TYPE_ALLOCATOR)

void exhausted_class_init(ExhaustedClass *klass) {
  klass->parent.alloc = [](GstAllocator *, gsize, GstAllocationParams *) {
    return static_cast<GstMemory *>(nullptr);
  };
}

void exhausted_init(Exhausted *) {}

/// Without memory for a mask there is an error; with memory the element works
/// again.
void test_no_memory_for_masks() {
  install_engines({"cpu"});
  reset_control();
  Stream stream("", kCaps);
  const OwnedBuffer held =
      stream.push(stream.make_frame(0));  // with the first mask
  GstBuffer *frame = stream.make_frame(1);
  gst_allocator_set_default(GST_ALLOCATOR(
      gst_object_ref_sink(g_object_new(exhausted_get_type(), nullptr))));
  g_assert_cmpint(gst_harness_push(stream.harness, frame), ==, GST_FLOW_ERROR);
  check_error(stream, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_FAILED,
              "no memory for a mask of 64x48");
  gst_allocator_set_default(gst_allocator_find(GST_ALLOCATOR_SYSMEM));
  stream.push(stream.make_frame(2));
}

int count_threads() {
  int count = 0;
  for (const auto &entry : fs::directory_iterator("/proc/self/task")) {
    (void)entry;
    count++;
  }
  return count;
}

void test_state_cycles() {
  install_engines({"cpu"});
  FakeControl &control = reset_control();
  for (const char *mode : {"async=false", "async=true"}) {
    Stream stream(mode);
    gst_element_set_state(stream.element, GST_STATE_NULL);
    const int threads = count_threads();
    for (int cycle = 0; cycle < 20; cycle++) {
      g_assert_cmpint(gst_element_set_state(stream.element, GST_STATE_PLAYING),
                      ==, GST_STATE_CHANGE_SUCCESS);
      GstSegment segment;
      gst_segment_init(&segment, GST_FORMAT_TIME);
      gst_harness_push_event(stream.harness,
                             gst_event_new_stream_start("cycle"));
      stream.set_caps(kCaps);
      gst_harness_push_event(stream.harness, gst_event_new_segment(&segment));
      for (int i = 0; i < 3; i++)
        g_assert_cmpint(gst_harness_push(stream.harness, stream.make_frame(i)),
                        ==, GST_FLOW_OK);
      g_assert_cmpint(control.engines, ==, 1);
      gst_element_set_state(stream.element,
                            cycle % 2 ? GST_STATE_NULL : GST_STATE_READY);
      g_assert_cmpint(control.engines, ==, 0);
      // A joined thread stays in /proc for a moment, perhaps also when threads
      // were counted first.
      wait_until([&] { return count_threads() <= threads; });
    }
    g_assert_cmpuint(stream.stat("frames"), ==, 3);
  }
}

/// Stopping waits for the inference of async=true.
void test_stop_while_busy() {
  install_engines({"cpu"});
  FakeControl &control = reset_control();
  Stream stream("async=true post-messages=true", kCaps);
  control.hold();
  stream.push(stream.make_frame(0));
  wait_until([&] { return control.started == 1; });
  std::thread later([&] {
    g_usleep(50000);
    control.release();
  });
  gst_element_set_state(stream.element, GST_STATE_NULL);
  g_assert_cmpint(control.engines, ==, 0);
  g_assert_cmpint(control.segmented, ==, 1);
  later.join();
}

void test_properties_from_other_threads() {
  install_engines({"cpu"});
  reset_control();
  for (const char *mode : {"async=false", "async=true"}) {
    Stream stream(mode, kCaps);
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; t++)
      threads.emplace_back([&stream, &done, t] {
        for (guint i = t; !done; i++) {
          g_object_set(stream.element, "interval", i % 3, "qos", i % 2 == 0,
                       "smoothing", i % 10 / 10.0, "confidence-threshold",
                       i % 7 / 7.0, "confidence-map", i % 2 == 1,
                       "post-messages", i % 5 == 0, "model-file",
                       model_path().c_str(), "infer-width", i % 8192, nullptr);
          gst_structure_free(stream.stats());
          gchar *file = nullptr;
          g_object_get(stream.element, "model-file", &file, nullptr);
          g_free(file);
        }
      });
    for (int i = 0; i < 500; i++) stream.push(stream.make_frame(i));
    done = true;
    for (std::thread &thread : threads) thread.join();
    g_assert_cmpuint(stream.stat("frames"), ==, 500);
    g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
  }
}

GstClassMaskClasses *classes_in(Stream &stream) {
  stream.set_caps(kCaps);
  const OwnedBuffer frame = stream.push(stream.make_frame(0));
  GstClassMaskClasses *classes = gst_buffer_get_class_mask_meta(frame)->classes;
  return classes;
}

/// Elements share the model of a file, by whatever name, until it changes.
void test_shared_model() {
  install_engines({"cpu"});
  reset_control();
  const std::string link = scratch_folder() + "/link.safetensors";
  const std::string copy = scratch_folder() + "/copy.safetensors";
  fs::create_symlink(model_path(), link);
  fs::copy_file(model_path(), copy);
  Stream a, b("model-file=" + link), c("model-file=" + copy);
  GstClassMaskClasses *classes = classes_in(a);
  g_assert_true(classes_in(b) == classes);
  g_assert_true(classes_in(c) != classes);

  fs::last_write_time(
      copy, fs::file_time_type::clock::now() + std::chrono::seconds(10));
  Stream d("model-file=" + copy);
  g_assert_true(classes_in(d) != classes_in(c));

  // A name without a folder is searched for.
  g_setenv("FASTSCNN_MODEL_PATH", scratch_folder().c_str(), TRUE);
  Stream e("model-file=link.safetensors");
  g_assert_true(classes_in(e) == classes);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/errors/bad-model", test_bad_model);
  g_test_add_func("/errors/bad-backend", test_bad_backend);
  g_test_add_func("/errors/model-changes", test_model_changes);
  g_test_add_func("/errors/auto", test_auto);
  g_test_add_func("/errors/precision", test_precision);
  g_test_add_func("/errors/unusable-caps", test_unusable_caps);
  g_test_add_func("/errors/unusable-frames", test_unusable_frames);
  g_test_add_func("/errors/wrong-video-meta", test_wrong_video_meta);
  g_test_add_func("/errors/engine-fails", test_engine_fails);
  g_test_add_func("/errors/fall-back", test_fall_back);
  g_test_add_func("/errors/no-memory-for-masks", test_no_memory_for_masks);
  g_test_add_func("/errors/state-cycles", test_state_cycles);
  g_test_add_func("/errors/stop-while-busy", test_stop_while_busy);
  g_test_add_func("/errors/properties-from-other-threads",
                  test_properties_from_other_threads);
  g_test_add_func("/errors/shared-model", test_shared_model);
  return g_test_run();
}
