// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/context.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <string>

#include "cuda/handles.h"
#include "net/error.h"

namespace fastscnn::cuda {
namespace {

constexpr int kMinCapability = 75;  // compute capability times ten

/// The driver API functions that the runtime API lacks. They are resolved at
/// run time, so that the module also loads on machines without a driver.
struct Driver {
  decltype(&cuInit) init;
  decltype(&cuDeviceGet) device_get;
  decltype(&cuCtxPushCurrent) push;
  decltype(&cuCtxPopCurrent) pop;
  decltype(&cuCtxGetDevice) get_device;
  decltype(&cuDevicePrimaryCtxRetain) retain;
  decltype(&cuDevicePrimaryCtxRelease) release;
};

Error device_error(const std::string &sentence) {
  return Error{Error::Kind::kDevice, sentence};
}

Result<> check_driver(const char *command, CUresult result) {
  if (result != CUDA_SUCCESS)
    return device_error(std::string("The NVIDIA driver failed: error ") +
                        std::to_string(result) + " (" + command + ")");
  return {};
}

Result<Driver> open_driver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return device_error("There is no NVIDIA driver (" + std::string(dlerror()) +
                        ")");
  Driver d;
  const char *missing = nullptr;
  const auto resolve = [library, &missing](const char *name, auto *function) {
    *function = reinterpret_cast<std::decay_t<decltype(*function)>>(
        dlsym(library, name));
    if (!*function) missing = name;
  };
  resolve("cuInit", &d.init);
  resolve("cuDeviceGet", &d.device_get);
  resolve("cuCtxPushCurrent_v2", &d.push);
  resolve("cuCtxPopCurrent_v2", &d.pop);
  resolve("cuCtxGetDevice", &d.get_device);
  resolve("cuDevicePrimaryCtxRetain", &d.retain);
  resolve("cuDevicePrimaryCtxRelease_v2", &d.release);
  if (missing)
    return device_error(std::string("The NVIDIA driver lacks ") + missing +
                        "; update it");
  const CUresult result = d.init(0);
  if (result == CUDA_ERROR_NO_DEVICE)
    return device_error("There is no NVIDIA GPU");
  FASTSCNN_TRY(check_driver("cuInit", result));
  return d;
}

const Result<Driver> &opened_driver() {
  static const Result<Driver> opened = open_driver();
  return opened;
}

/// Only for code that has a Context, which proves that the driver was opened.
const Driver &driver() { return *opened_driver(); }

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

Result<int> count_devices() {
  FASTSCNN_TRY(opened_driver());
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaErrorInsufficientDriver) {
    int has = 0, needs = 0;
    cudaDriverGetVersion(&has);
    cudaRuntimeGetVersion(&needs);
    return device_error("The NVIDIA driver is too old: it supports CUDA " +
                        version_text(has) + ", and " + version_text(needs) +
                        " is needed; update it");
  }
  if (result == cudaErrorNoDevice || (result == cudaSuccess && count == 0))
    return device_error("There is no NVIDIA GPU");
  FASTSCNN_TRY(check_cuda("cudaGetDeviceCount", result));
  return count;
}

/// An Error unless the device exists and is new enough.
Result<> check_device(int device) {
  const int count = FASTSCNN_TRY(count_devices());
  if (device < 0 || device >= count)
    return device_error("There is no CUDA device " + std::to_string(device) +
                        "; this machine has " + std::to_string(count) +
                        ", numbered from 0");
  const int has = FASTSCNN_TRY(compute_capability(device));
  if (has < kMinCapability)
    return device_error("CUDA device " + std::to_string(device) +
                        " has compute capability " + std::to_string(has / 10) +
                        "." + std::to_string(has % 10) +
                        "; 7.5 or newer is needed");
  return {};
}

}  // namespace

Result<int> compute_capability(int device) {
  int major = 0, minor = 0;
  TRY_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor,
                                  device));
  TRY_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor,
                                  device));
  return 10 * major + minor;
}

Result<std::shared_ptr<const Context>> Context::primary(int device) {
  FASTSCNN_TRY(check_device(device));
  CUdevice handle = 0;
  CUcontext context = nullptr;
  FASTSCNN_TRY(
      check_driver("cuDeviceGet", driver().device_get(&handle, device)));
  FASTSCNN_TRY(check_driver("cuDevicePrimaryCtxRetain",
                            driver().retain(&context, handle)));
  return std::shared_ptr<const Context>(new Context(context, device, true));
}

Result<std::shared_ptr<const Context>> Context::borrow(void *handle) {
  FASTSCNN_TRY(opened_driver());
  FASTSCNN_TRY(check_driver("cuCtxPushCurrent",
                            driver().push(static_cast<CUcontext>(handle))));
  CUdevice device = 0;
  const CUresult result = driver().get_device(&device);
  CUcontext popped;
  driver().pop(&popped);
  FASTSCNN_TRY(check_driver("cuCtxGetDevice", result));
  // A CUdevice is its ordinal.
  FASTSCNN_TRY(check_device(device));
  return std::shared_ptr<const Context>(new Context(handle, device, false));
}

Context::~Context() {
  if (owned_) driver().release(device_);
}

Result<ContextGuard> ContextGuard::enter(const Context &context,
                                         const Queue &queue) {
  if (queue.context && queue.context != context.handle())
    return Error{Error::Kind::kEngine,
                 "The frame belongs to a different CUDA context; set the same "
                 "cuda-device-id on all elements"};
  FASTSCNN_TRY(
      check_driver("cuCtxPushCurrent",
                   driver().push(static_cast<CUcontext>(context.handle()))));
  return ContextGuard();
}

ContextGuard::~ContextGuard() {
  if (!entered_) return;
  CUcontext popped;
  driver().pop(&popped);
}

Result<> check_machine() {
  const int count = FASTSCNN_TRY(count_devices());
  for (int device = 0; device < count; device++) {
    const int has = FASTSCNN_TRY(compute_capability(device));
    if (has >= kMinCapability) return {};
  }
  return device_error(
      "No GPU has compute capability 7.5 or newer (Turing, 2018)");
}

}  // namespace fastscnn::cuda
