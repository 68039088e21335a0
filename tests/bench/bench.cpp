// SPDX-License-Identifier: LGPL-2.1-or-later
// Times an engine from an RGB frame to a mask of the same size. For the CUDA
// engine, see bench-cuda.h.

#include <glib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gst/base/moduleloader.h"
#include "net/backend.h"
#include "tests/bench/bench-cuda.h"
#include "tests/bench/timing.h"
#include "tests/support/frames.h"
#include "tests/support/int8reference.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;

namespace {

struct Arguments {
  gchar *backend = nullptr;
  gchar *model = nullptr;
  std::vector<std::pair<int, int>> sizes;  // width, height
  int threads = 0;
  Precision precision = Precision::kAuto;
  int frames = 0;
  int busy = 0;
  gboolean json = FALSE;
  gchar *plans = nullptr;  // file that keeps them
  gchar *serve = nullptr;  // file of frames
  gchar *masks = nullptr;  // file to write

  ~Arguments() {
    for (gchar *text : {backend, model, plans, serve, masks}) g_free(text);
  }
};

/// Number of frames that --serve keeps for timing.
constexpr size_t kServedFrames = 4;

struct Measured {
  Spread frame, network, argmax;
  long peak_bytes = 0;
};

Device device_of(const Arguments &arguments) {
  Device device;
  device.threads = arguments.threads;
  device.precision = arguments.precision;
  return device;
}

/// Device and precision.
Result<std::string> describe(Backend &backend,
                             const std::shared_ptr<const Model> &model,
                             const Arguments &arguments) {
  const Device device = device_of(arguments);
  const auto engine = FASTSCNN_TRY(backend.create_engine(model, device));
  const std::string name = FASTSCNN_TRY(backend.device_name(device));
  return name + ", " + engine->precision();
}

/// Returns the peak resident memory of this process, and resets it.
long take_peak_bytes() {
  long bytes = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) bytes = std::stol(line.substr(6)) * 1024;
  std::ofstream("/proc/self/clear_refs") << 5;
  return bytes;
}

/// Draws an artificial street: smooth areas with edges, as in real images.
void draw(reference::TestFrame &frame) {
  const FrameInfo &info = frame.info;
  for (int y = 0; y < info.height; y++)
    for (int x = 0; x < info.width; x++) {
      const double u = double(x) / info.width, v = double(y) / info.height;
      const bool road = v > 0.5 && std::abs(u - 0.5) < v - 0.4;
      const double light = road ? 0.3 : v < 0.4 ? 0.9 - v : 0.5 - v / 3;
      for (int c = 0; c < 3; c++) {
        const double wave = std::sin(40 * u * (c + 1)) * std::cos(25 * v) / 10;
        frame.bytes[(size_t(y) * info.width + x) * 3 + c] =
            static_cast<uint8_t>(255 * std::clamp(light + wave, 0., 1.));
      }
    }
}

Measured measure(Backend &backend, const std::shared_ptr<const Model> &model,
                 const Arguments &arguments, int width, int height) {
  reference::Lcg lcg(1);
  reference::TestFrame frame =
      reference::make_frame("RGB", width, height, 0, false, lcg);
  draw(frame);
  std::vector<uint8_t> ids(size_t(width) * height, 1);
  take_peak_bytes();
  const long before = take_peak_bytes();

  const Device device = device_of(arguments);
  auto engine = must(backend.create_engine(model, device));
  must(engine->configure(frame.info, {width, height, width, height}));
  Mask mask = {ids.data(), width};

  // Fewer frames at large sizes, to save time; about a second gives stable
  // results.
  int frames = arguments.frames;
  if (!frames) frames = std::clamp(40 * 1024 * 512 / (width * height), 20, 160);

  auto segment = [&](Engine &by) {
    mask.stride = by.mask_width();
    return milliseconds([&] { must(by.segment(frame.frame, mask, {}, {})); });
  };
  segment(*engine);
  const long peak = take_peak_bytes() - before;

  // An engine without upsampling, to tell the times of network and argmax
  // apart.
  auto grid = must(backend.create_engine(model, device));
  must(grid->configure(frame.info, {width, height, 0, 0}));

  std::vector<double> all, network, argmax;
  for (int i = -2; i < frames; i++) {
    const double to_grid = segment(*grid);
    const double to_mask = segment(*engine);
    if (i < 0) continue;
    all.push_back(to_mask);
    network.push_back(to_grid);
    argmax.push_back(to_mask - to_grid);
  }
  return {summarize(all), summarize(network), summarize(argmax), peak};
}

/// serve_cuda(), but with the module's engine and in system memory.
Segment serve_module(Backend &backend, std::shared_ptr<const Model> model,
                     const Arguments &arguments, int width, int height) {
  reference::Lcg lcg(1);
  const FrameInfo info =
      reference::make_frame("RGB", width, height, 0, false, lcg).info;
  const std::shared_ptr<Engine> engine =
      must(backend.create_engine(std::move(model), device_of(arguments)));
  must(engine->configure(info, {width, height, width, height}));
  return [=](const uint8_t *rgb, uint8_t *ids) {
    ConstFrame frame;
    frame.data[0] = rgb;
    frame.stride[0] = 3 * width;
    return milliseconds([&] {
      must(engine->segment(frame, {ids, width}, {}, {}));
    });
  };
}

/// Segments the frames of a file (RGB, one after the other) and writes their
/// masks. Then, for each number N that it reads, segments N of the first frames
/// and prints the times.
void serve(Backend &backend, const std::shared_ptr<const Model> &model,
           const Arguments &arguments, const std::string &name) {
  const auto [width, height] = arguments.sizes.front();
  Segment segment;
#ifdef HAVE_CUDA
  if (std::strcmp(arguments.backend, "cuda") == 0)
    segment = serve_cuda(model, width, height,
                         arguments.plans ? arguments.plans : "");
#endif
  if (!segment)
    segment = serve_module(backend, model, arguments, width, height);
  std::ifstream file(arguments.serve, std::ios::binary);
  std::ofstream masks(arguments.masks, std::ios::binary);
  std::vector<uint8_t> ids(size_t(width) * height);
  std::vector<std::vector<uint8_t>> frames;
  std::vector<uint8_t> bytes(3 * ids.size());
  while (file.read(reinterpret_cast<char *>(bytes.data()), bytes.size())) {
    segment(bytes.data(), ids.data());
    masks.write(reinterpret_cast<const char *>(ids.data()), ids.size());
    if (frames.size() < kServedFrames) frames.push_back(bytes);
  }
  if (frames.empty()) {
    std::fprintf(stderr, "bench: There is no frame of this size in %s\n",
                 arguments.serve);
    std::exit(1);
  }
  masks.close();
  std::printf("{\"version\": \"%s\"}\n", name.c_str());
  std::fflush(stdout);
  for (int count; std::scanf("%d", &count) == 1;) {
    for (int i = 0; i < count; i++)
      std::printf("%s%.4f", i ? ", " : "{\"ms\": [",
                  segment(frames[i % frames.size()].data(), ids.data()));
    std::printf("]}\n");
    std::fflush(stdout);
  }
}

void print(const Arguments &arguments, const std::string &device, int width,
           int height, const Measured &r) {
  const double fps = 1000 / r.frame.median;
  if (!arguments.json) {
    std::printf("%5dx%-5d %8.2f %8.2f %8.1f %8.1f %8.2f %8.2f\n", width, height,
                r.frame.median, r.frame.p95, fps, r.peak_bytes / 1048576.0,
                r.network.median, r.argmax.median);
    return;
  }
  std::printf(
      "{\"name\":\"fastscnn-%s\",\"backend\":\"%s\",\"device\":\"%s\","
      "\"width\":%d,\"height\":%d,\"batch\":1,\"ms_median\":%.3f,"
      "\"ms_p95\":%.3f,\"fps\":%.2f,\"peak_bytes\":%ld,\"stage\":{"
      "\"network\":%.3f,\"argmax\":%.3f}}\n",
      arguments.backend, arguments.backend, device.c_str(), width, height,
      r.frame.median, r.frame.p95, fps, r.peak_bytes, r.network.median,
      r.argmax.median);
}

/// Threads that compete for the processor, as the rest of a pipeline does.
class BusyThreads {
 public:
  explicit BusyThreads(int count) {
    for (int i = 0; i < count; i++)
      threads_.emplace_back([this] {
        while (!stop_) {
        }
      });
  }
  ~BusyThreads() {
    stop_ = true;
    for (std::thread &t : threads_) t.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

gboolean add_size(const gchar *, const gchar *value, gpointer data,
                  GError **error) {
  int width, height;
  if (std::sscanf(value, "%dx%d", &width, &height) != 2) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "A size is given as WIDTHxHEIGHT, not \"%s\"", value);
    return FALSE;
  }
  static_cast<Arguments *>(data)->sizes.push_back({width, height});
  return TRUE;
}

gboolean set_precision(const gchar *, const gchar *value, gpointer data,
                       GError **error) {
  Precision &precision = static_cast<Arguments *>(data)->precision;
  if (std::strcmp(value, "auto") == 0)
    precision = Precision::kAuto;
  else if (std::strcmp(value, "fp32") == 0)
    precision = Precision::kFp32;
  else if (std::strcmp(value, "int8") == 0)
    precision = Precision::kInt8;
  else {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "The precision is auto, fp32 or int8, not \"%s\"", value);
    return FALSE;
  }
  return TRUE;
}

void parse(int argc, char **argv, Arguments *arguments) {
  const GOptionEntry entries[] = {
      {"backend", 0, 0, G_OPTION_ARG_STRING, &arguments->backend,
       "Engine: cpu (default) or cuda", "NAME"},
      {"threads", 0, 0, G_OPTION_ARG_INT, &arguments->threads,
       "CPU threads (default: one per core)", "N"},
      {"precision", 0, 0, G_OPTION_ARG_CALLBACK,
       reinterpret_cast<gpointer>(set_precision),
       "auto (default), fp32 or int8", "NAME"},
      {"size", 0, 0, G_OPTION_ARG_CALLBACK,
       reinterpret_cast<gpointer>(add_size),
       "Size of frame, network and mask; may be repeated", "WxH"},
      {"frames", 0, 0, G_OPTION_ARG_INT, &arguments->frames,
       "Frames that are timed (default: by size)", "N"},
      {"model", 0, 0, G_OPTION_ARG_FILENAME, &arguments->model,
       "Model file (default: random weights, 19 classes)", "FILE"},
      {"busy", 0, 0, G_OPTION_ARG_INT, &arguments->busy,
       "Threads that compete for the processor", "N"},
      {"plans", 0, 0, G_OPTION_ARG_FILENAME, &arguments->plans,
       "With cuda: keep the chosen plans of convolutions in a file", "FILE"},
      {"serve", 0, 0, G_OPTION_ARG_FILENAME, &arguments->serve,
       "For compare-peers.py: segment the frames of a file (RGB)", "FILE"},
      {"masks", 0, 0, G_OPTION_ARG_FILENAME, &arguments->masks,
       "Where --serve writes their masks", "FILE"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &arguments->json,
       "Print one JSON object per line", nullptr},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  GOptionGroup *group = g_option_group_new("", "", "", arguments, nullptr);
  g_option_group_add_entries(group, entries);
  GOptionContext *context =
      g_option_context_new("- time an engine, frame in to mask out");
  g_option_context_set_main_group(context, group);
  GError *error = nullptr;
  const bool parsed = g_option_context_parse(context, &argc, &argv, &error);
  g_option_context_free(context);
  if (!parsed) {
    std::fprintf(stderr, "bench: %s\n", error->message);
    std::exit(1);
  }
  if (!arguments->backend) arguments->backend = g_strdup("cpu");
  if (arguments->sizes.empty())
    arguments->sizes = {{512, 256}, {1024, 512}, {2048, 1024}};
}

}  // namespace

int main(int argc, char **argv) {
  Arguments arguments;
  parse(argc, argv, &arguments);
  g_setenv("FASTSCNN_MODULE_PATH", FASTSCNN_BUILD_MODULES, FALSE);
  const Result<Backend *> module = open_backend(arguments.backend);
  if (!module) {
    std::fprintf(stderr, "bench: %s\n", module.error().sentence.c_str());
    return 1;
  }
  Backend &backend = **module;
  const std::shared_ptr<const Model> model =
      arguments.model ? must(Model::load(arguments.model))
                      : reference::with_scales(
                            *reference::make_model(Variant::tramac(), 19));
  const Result<std::string> description = describe(backend, model, arguments);
  if (!description) {
    std::fprintf(stderr, "bench: %s\n", description.error().sentence.c_str());
    return 1;
  }
  const std::string &name = *description;
  if (arguments.serve) {
    serve(backend, model, arguments, name);
    return 0;
  }
#ifdef HAVE_CUDA
  if (std::strcmp(arguments.backend, "cuda") == 0) {
    bench_cuda(model, arguments.sizes, arguments.plans ? arguments.plans : "",
               arguments.frames, arguments.json);
    return 0;
  }
#endif
  if (!arguments.json)
    std::printf("%s\n%5sx%-5s %8s %8s %8s %8s %8s %8s\n", name.c_str(), "width",
                "height", "ms", "p95", "fps", "MiB", "network", "argmax");
  BusyThreads busy(arguments.busy);
  for (auto [width, height] : arguments.sizes)
    print(arguments, name, width, height,
          measure(backend, model, arguments, width, height));
  return 0;
}
