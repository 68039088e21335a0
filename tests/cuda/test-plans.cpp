// SPDX-License-Identifier: LGPL-2.1-or-later
// cuDNN has plans for every convolution of every variant on every supported
// GPU. The test needs no GPU: devices are described in JSON, and a fake driver
// accepts the machine code (fakedriver.c).
#include <dlfcn.h>
#include <glib.h>

#include <cstring>
#include <map>
#include <string>

#include "cuda/engine/cudnn.h"
#include "cuda/engine/kernelsequence.h"
#include "net/error.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

struct Gpu {
  int capability;  // times ten
  const char *name;
  int multiprocessors;
  int64_t shared_bytes, l2_bytes, memory_bytes;
};

// From NVIDIA's tables of compute capabilities and its data sheets.
constexpr Gpu kGpus[] = {
    {75, "Tesla T4", 40, 65536, 4 << 20, 16ll << 30},
    {80, "NVIDIA A100", 108, 166912, 40 << 20, 40ll << 30},
    {86, "NVIDIA GeForce RTX 3090", 82, 101376, 6 << 20, 24ll << 30},
    {87, "Orin", 16, 166912, 4 << 20, 32ll << 30},
    {89, "NVIDIA GeForce RTX 4090", 128, 101376, 72 << 20, 24ll << 30},
    {90, "NVIDIA H200", 132, 232448, 60 << 20, 140ll << 30},
    {100, "NVIDIA B200", 148, 232448, 126 << 20, 180ll << 30},
    {120, "NVIDIA GeForce RTX 5090", 170, 101376, 96 << 20, 32ll << 30},
};

std::string describe(const Gpu &gpu) {
  const int threads =
      gpu.capability == 75 ? 1024
      : gpu.capability == 80 || gpu.capability == 90 || gpu.capability == 100
          ? 2048
          : 1536;
  char json[1024];
  g_snprintf(
      json, sizeof json,
      "{\"version\":1,\"deviceName\":\"%s\",\"cudaDeviceId\":0,"
      "\"deviceVer\":%d,\"smVersion\":%d,\"driverVer\":13000,"
      "\"totalGlobalMem\":%" G_GINT64_FORMAT
      ",\"maxGridSize\":[2147483647,65535,65535],"
      "\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"
      "\"multiProcessorCount\":%d,\"warpSize\":32,"
      "\"maxSharedMemoryPerBlock\":49152,"
      "\"maxSharedMemoryPerBlockOptin\":%" G_GINT64_FORMAT
      ",\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,"
      "\"pciDeviceId\":0,\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,"
      "\"maxThreadsPerSM\":%d,\"smClockRateKHz\":1700000,"
      "\"memClockRateKHz\":2000000,\"l2CacheSize\":%" G_GINT64_FORMAT
      ",\"isTccDriver\":0,\"supportCoopLaunch\":1}",
      gpu.name, gpu.capability * 10, gpu.capability * 10, gpu.memory_bytes,
      gpu.multiprocessors, gpu.shared_bytes, threads, gpu.l2_bytes);
  return json;
}

/// Every convolution of every variant, once. One size is enough: whether cuDNN
/// has a plan does not depend on it.
template <typename T>
std::map<std::string, Convolution> all_convolutions(const Gpu &gpu) {
  Variant other = Variant::mmseg();
  other.ffm_dw = Variant::FfmDw::kPw1;
  other.activation = Variant::Activation::kRelu6;
  std::map<std::string, Convolution> found;
  for (const Variant &variant :
       {Variant::tramac(), Variant::mmseg(), Variant::paper(), other}) {
    const auto model = reference::make_model(variant, 19);
    const WeightTable<T> none(gpu.capability >= 80);
    const KernelSequence<T> kernels =
        must(KernelSequence<T>::create(*model, none, 512, 1024));
    for (const Step &step : kernels.program().steps)
      if (step.kind == Step::Kind::kConvolution) {
        Convolution c = kernels.convolution(step);
        found.emplace(c.name(), c);
      }
  }
  return found;
}

/// cuDNN's generic kernels, which use no tensor cores.
constexpr int64_t kGenericEngine = 8;

void check_plans(const Cudnn &cudnn,
                 const std::map<std::string, Convolution> &convolutions,
                 const char *gpu) {
  for (const auto &[name, convolution] : convolutions) {
    int64_t engine = -1;
    const bool any = must(cudnn.plan(convolution, 1, [&](ConvolutionPlan plan) {
      engine = plan.engine();
      g_assert_cmpint(plan.workspace_bytes(), >=, 0);
      return false;
    }));
    if (!any) g_error("no plan for %s on %s", name.c_str(), gpu);
    if (convolution.precision == cuda::Precision::kHalf &&
        engine == kGenericEngine)
      g_error("only a generic plan for %s on %s", name.c_str(), gpu);
  }
}

void test_gpu(gconstpointer data) {
  const Gpu &gpu = *static_cast<const Gpu *>(data);
  const auto cudnn = must(Cudnn::create_for(describe(gpu)));
  const auto convolutions = all_convolutions<__half>(gpu);
  g_test_message("%zu convolutions", convolutions.size());
  check_plans(*cudnn, convolutions, gpu.name);
}

/// Floats are for comparison only: one GPU is enough, without tensor cores.
void test_float() {
  const auto cudnn = must(Cudnn::create_for(describe(kGpus[5])));
  check_plans(*cudnn, all_convolutions<float>(kGpus[5]), kGpus[5].name);
}

void test_json() {
  const auto cudnn = must(Cudnn::create_for(describe(kGpus[5])));
  const Convolution convolution =
      all_convolutions<__half>(kGpus[5]).begin()->second;
  std::string json;
  int64_t workspace = -1;
  must(cudnn->plan(convolution, 1, [&](ConvolutionPlan plan) {
    json = must(plan.json());
    workspace = plan.workspace_bytes();
    return false;
  }));
  g_assert_false(json.empty());
  const ConvolutionPlan again = must(cudnn->load(json));
  g_assert_cmpint(again.workspace_bytes(), ==, workspace);
  const auto nonsense = cudnn->load("{\"this\": \"is not a plan\"}");
  g_assert_false(nonsense.has_value());
  g_assert_nonnull(std::strstr(nonsense.error().sentence.c_str(), "cuDNN"));
}

/// Why the tests cannot run; empty if they can.
std::string missing() {
  const auto version = Cudnn::version();
  if (!version) return version.error().sentence;
  if (*version < 90800)
    return "cuDNN is older than 9.8, which cannot describe devices";
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver || !dlsym(driver, "fastscnn_fake_driver"))
    return "the fake driver is not in the library path";
  return "";
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  const std::string why = missing();
  if (!why.empty()) {
    g_print("1..0 # SKIP %s\n", why.c_str());
    return 0;
  }
  for (const Gpu &gpu : kGpus)
    g_test_add_data_func(
        ("/cuda/plans/sm_" + std::to_string(gpu.capability)).c_str(), &gpu,
        test_gpu);
  g_test_add_func("/cuda/plans/float", test_float);
  g_test_add_func("/cuda/plans/json", test_json);
  return g_test_run();
}
