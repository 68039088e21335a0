// SPDX-License-Identifier: LGPL-2.1-or-later
// torture STEPS [SEED]: a pipeline with all elements gets random frames of
// every kind, even broken ones, new caps, flushes, seeks and state changes,
// while three threads set properties. Invalid input may cause an error with a
// sentence, but never a crash or a hang. The printed seed repeats the steps,
// but not the timing of the threads.
#include <gst/gst.h>
#include <gst/video/video.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Longer than any step takes, even with a sanitizer.
constexpr unsigned kHangSeconds = 300;

const char *const kFormats[] = {"NV12", "NV21",  "I420",     "YV12", "YUY2",
                                "UYVY", "RGB",   "BGR",      "RGBx", "BGRx",
                                "xRGB", "xBGR",  "RGBA",     "BGRA", "ARGB",
                                "ABGR", "GRAY8", "P010_10LE"};
const char *const kColorimetry[] = {"bt601", "bt709", "bt2020", "1:4:0:0",
                                    "sRGB"};
const char *const kInterlace[] = {"progressive", "interleaved", "mixed"};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}

  int below(int n) {
    return static_cast<int>(engine_() % static_cast<unsigned>(n));
  }
  bool once_in(int n) { return below(n) == 0; }
  template <typename T, size_t N>
  T of(T const (&list)[N]) {
    return list[below(N)];
  }
  /// Mostly small; sometimes up to 4096, or smaller than the caps allow.
  int size() {
    if (once_in(40)) return 1 + below(16);
    return 16 + below(once_in(40) ? 4081 : once_in(5) ? 640 : 128);
  }

 private:
  std::mt19937 engine_;
};

class Torture {
 public:
  explicit Torture(unsigned seed) : dice_(seed), seed_(seed) {
    GError *error = nullptr;
    pipeline_ = gst_parse_launch(
        "appsrc name=src format=time stream-type=seekable "
        "! fastscnn name=net infer-width=32 infer-height=32 threads=2 "
        "! classmaskoverlay name=overlay ! tee name=t "
        "t. ! queue ! classmaskjson name=json ! fakesink async=false "
        "sync=false "
        "t. ! queue ! classmaskextract name=extract ! fakesink async=false "
        "sync=false t. ! queue ! fakesink async=false sync=false",
        &error);
    g_assert_no_error(error);
    bus_ = gst_element_get_bus(pipeline_);
    source_ = gst_bin_get_by_name(GST_BIN(pipeline_), "src");
    g_signal_connect(source_, "seek-data",
                     G_CALLBACK(+[](GstElement *, guint64,
                                    gpointer) -> gboolean { return TRUE; }),
                     nullptr);
    for (const char *name : {"net", "overlay", "json", "extract"})
      elements_.push_back(gst_bin_get_by_name(GST_BIN(pipeline_), name));
    GstPad *pad = gst_element_get_static_pad(elements_[1], "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_mask, this,
                      nullptr);
    gst_object_unref(pad);
    change_caps();
    set_state(GST_STATE_PLAYING);
    for (unsigned t = 1; t <= 3; t++)
      threads_.emplace_back([this, t] { set_properties(Dice(seed_ + t)); });
  }

  ~Torture() {
    done_ = true;
    for (std::thread &thread : threads_) thread.join();
    set_state(GST_STATE_NULL);
    for (GstElement *element : elements_) gst_object_unref(element);
    gst_object_unref(source_);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
    if (caps_) gst_caps_unref(caps_);
  }

  void step() {
    alarm(kHangSeconds);
    const int kind = dice_.below(100);
    if (kind < 80)
      push();
    else if (kind < 90)
      change_caps();
    else if (kind < 93)
      flush();
    else if (kind < 96)
      seek();
    else
      set_state(dice_.of({GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED,
                          GST_STATE_PLAYING}));
    if (dice_.once_in(3)) set_state(GST_STATE_PLAYING);
    check_messages();
  }

  void print() const {
    std::printf("# %d frames, %d with masks, %d caps, %d errors\n", frames_,
                masks_.load(), caps_count_, errors_);
  }
  /// Whether many frames were processed: a stream that always fails tests
  /// nothing.
  bool worked() const { return masks_ > frames_ / 10; }

 private:
  void change_caps() {
    const int width = dice_.size(), height = dice_.size();
    const std::string text =
        std::string("video/x-raw,framerate=25/1,format=") + dice_.of(kFormats) +
        ",width=" + std::to_string(width) +
        ",height=" + std::to_string(height) +
        (dice_.once_in(3)
             ? std::string(",colorimetry=") + dice_.of(kColorimetry)
             : "") +
        ",interlace-mode=" + dice_.of(kInterlace);
    GstCaps *caps = gst_caps_from_string(text.c_str());
    if (caps_) gst_caps_unref(caps_);
    caps_ = caps;
    caps_count_++;
    g_assert_true(gst_video_info_from_caps(&info_, caps));
    g_object_set(source_, "caps", caps, nullptr);
  }

  /// With padded rows.
  GstBuffer *make_padded() {
    GstVideoInfo info = info_;
    GstVideoAlignment align;
    gst_video_alignment_reset(&align);
    align.padding_right = static_cast<guint>(dice_.below(65));
    align.padding_bottom = static_cast<guint>(dice_.below(9));
    gst_video_info_align(&info, &align);
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info.size, nullptr);
    gst_buffer_add_video_meta_full(
        buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
        static_cast<guint>(info_.width), static_cast<guint>(info_.height),
        GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride);
    return buffer;
  }

  /// With a random GstVideoMeta.
  GstBuffer *make_broken() {
    GstBuffer *buffer = gst_buffer_new_allocate(nullptr, info_.size, nullptr);
    gsize offset[GST_VIDEO_MAX_PLANES];
    gint stride[GST_VIDEO_MAX_PLANES];
    for (int p = 0; p < GST_VIDEO_MAX_PLANES; p++) {
      offset[p] =
          static_cast<gsize>(dice_.below(static_cast<int>(info_.size) + 100));
      stride[p] = info_.stride[0] + dice_.below(512) - 256;
    }
    gst_buffer_add_video_meta_full(
        buffer, GST_VIDEO_FRAME_FLAG_NONE,
        dice_.once_in(4) ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_INFO_FORMAT(&info_),
        static_cast<guint>(dice_.size()), static_cast<guint>(dice_.size()),
        GST_VIDEO_INFO_N_PLANES(&info_), offset, stride);
    return buffer;
  }

  GstBuffer *make_buffer() {
    switch (dice_.below(40)) {
      case 0:
        return gst_buffer_new();
      case 1:
        return gst_buffer_new_allocate(
            nullptr,
            static_cast<gsize>(dice_.below(static_cast<int>(info_.size)) + 1),
            nullptr);
      case 2:
        return make_broken();
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        return make_padded();
      case 9:
      case 10: {
        // Read-only memory of an application.
        gpointer data = g_malloc0(info_.size);
        return gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, data,
                                           info_.size, 0, info_.size, data,
                                           g_free);
      }
      default:
        return gst_buffer_new_allocate(nullptr, info_.size, nullptr);
    }
  }

  void push() {
    GstBuffer *buffer = make_buffer();
    if (gst_buffer_is_all_memory_writable(buffer) && !dice_.once_in(4)) {
      gst_buffer_memset(buffer, 0, static_cast<guint8>(dice_.below(256)),
                        info_.size);
    }
    if (dice_.once_in(6)) {
      GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(buffer);
      crop->x = static_cast<guint>(dice_.below(info_.width + 8));
      crop->y = static_cast<guint>(dice_.below(info_.height + 8));
      crop->width = static_cast<guint>(dice_.once_in(9) ? -1 : dice_.size());
      crop->height = static_cast<guint>(dice_.size());
    }
    if (!dice_.once_in(20)) GST_BUFFER_PTS(buffer) = frames_ * 40 * GST_MSECOND;
    if (dice_.once_in(20)) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP);
    frames_++;
    // Another owner.
    GstBuffer *held = dice_.once_in(5) ? gst_buffer_ref(buffer) : nullptr;
    GstFlowReturn flow;
    g_signal_emit_by_name(source_, "push-buffer", buffer, &flow);
    gst_buffer_unref(buffer);
    for (int i = 0; i < 200 && level() > 2; i++) g_usleep(200);
    if (held) gst_buffer_unref(held);
  }

  guint64 level() const {
    guint64 bytes = 0;
    g_object_get(source_, "current-level-bytes", &bytes, nullptr);
    return info_.size ? bytes / info_.size : 0;
  }

  void flush() {
    gst_element_send_event(pipeline_, gst_event_new_flush_start());
    gst_element_send_event(pipeline_,
                           gst_event_new_flush_stop(dice_.once_in(2)));
  }

  /// Flushes, since appsrc would otherwise wait for a frame from this thread.
  void seek() {
    const double rates[] = {-2, -1, 0.5, 1, 2, 4};
    const GstClockTime at =
        static_cast<GstClockTime>(dice_.below(100)) * GST_SECOND;
    gst_element_seek(pipeline_, dice_.of(rates), GST_FORMAT_TIME,
                     GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
                     static_cast<gint64>(at), GST_SEEK_TYPE_SET,
                     static_cast<gint64>(at + 100 * GST_SECOND));
  }

  void set_state(GstState state) {
    // A wrong palette would prevent the start.
    g_object_set(elements_[1], "palette", "", nullptr);
    gst_element_set_state(pipeline_, state);
    gst_element_get_state(pipeline_, nullptr, nullptr, 50 * GST_MSECOND);
  }

  static GstPadProbeReturn count_mask(GstPad *, GstPadProbeInfo *info,
                                      gpointer self) {
    if (gst_buffer_get_custom_meta(GST_PAD_PROBE_INFO_BUFFER(info),
                                   "ClassMaskSummary"))
      static_cast<Torture *>(self)->masks_++;
    return GST_PAD_PROBE_OK;
  }

  void check_messages() {
    bool failed = false;
    while (GstMessage *message = gst_bus_pop(bus_)) {
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        GError *error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        g_assert_true(error->message && *error->message);
        g_error_free(error);
        errors_++;
        failed = true;
      }
      gst_message_unref(message);
    }
    if (!failed) return;
    set_state(GST_STATE_NULL);
    change_caps();
    set_state(GST_STATE_PLAYING);
  }

  static void set_at_random(GstElement *element, GParamSpec *spec, Dice &dice) {
    const char *const texts[] = {
        "",         "car",        "-road,sky", "road=0.5,car=2", "x=,,=",
        "distinct", "cityscapes", "net",       "nowhere.gpl"};
    if (G_IS_PARAM_SPEC_BOOLEAN(spec))
      g_object_set(element, spec->name, dice.below(2), nullptr);
    else if (G_IS_PARAM_SPEC_ENUM(spec))
      g_object_set(element, spec->name,
                   dice.below(static_cast<int>(
                       G_PARAM_SPEC_ENUM(spec)->enum_class->n_values)),
                   nullptr);
    else if (G_IS_PARAM_SPEC_STRING(spec))
      g_object_set(element, spec->name, dice.of(texts), nullptr);
    else if (G_IS_PARAM_SPEC_DOUBLE(spec))
      g_object_set(element, spec->name,
                   G_PARAM_SPEC_DOUBLE(spec)->maximum * dice.below(101) / 100,
                   nullptr);
    else if (G_IS_PARAM_SPEC_UINT(spec))
      g_object_set(
          element, spec->name,
          G_PARAM_SPEC_UINT(spec)->minimum + static_cast<guint>(dice.below(16)),
          nullptr);
    else if (G_IS_PARAM_SPEC_UINT64(spec))
      g_object_set(element, spec->name, guint64(dice.below(2)) * GST_SECOND,
                   nullptr);
  }

  /// Sets random properties, except those that only make the test slow.
  void set_properties(Dice dice) {
    const std::string left_out =
        " name parent model-file backend precision threads "
        "infer-width infer-height cuda-device-id qos zones ";
    while (!done_) {
      GstElement *element = elements_[static_cast<size_t>(dice.below(4))];
      guint count = 0;
      GParamSpec **specs =
          g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
      GParamSpec *spec = specs[dice.below(static_cast<int>(count))];
      g_free(specs);
      if ((spec->flags & G_PARAM_WRITABLE) &&
          left_out.find(std::string(" ") + spec->name + " ") ==
              std::string::npos)
        set_at_random(element, spec, dice);
      if (spec->flags & G_PARAM_READABLE) {
        GValue value = G_VALUE_INIT;
        g_object_get_property(G_OBJECT(element), spec->name, &value);
        g_value_unset(&value);
      }
      g_usleep(500);
    }
  }

  Dice dice_;
  const unsigned seed_;
  GstElement *pipeline_ = nullptr, *source_ = nullptr;
  GstBus *bus_ = nullptr;
  std::vector<GstElement *> elements_;
  std::vector<std::thread> threads_;
  std::atomic<bool> done_{false};
  GstCaps *caps_ = nullptr;
  GstVideoInfo info_;
  int frames_ = 0, caps_count_ = 0, errors_ = 0;
  std::atomic<int> masks_{0};
};

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  const int steps = argc > 1 ? std::atoi(argv[1]) : 300;
  const unsigned seed =
      argc > 2 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10))
               : std::random_device()();
  std::printf("1..1\n# torture %d %u\n", steps, seed);
  std::fflush(stdout);
  Torture torture(seed);
  for (int i = 0; i < steps; i++) torture.step();
  torture.print();
  std::printf("%s 1 - torture\n", torture.worked() ? "ok" : "not ok");
  return torture.worked() ? 0 : 1;
}
