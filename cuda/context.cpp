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

constexpr int kOldest = 75;  // compute capability times ten

/// What the runtime API lacks; opened at run time, so that the module can be
/// loaded where there is no driver.
struct Driver {
  decltype(&cuInit) init;
  decltype(&cuDeviceGet) device_get;
  decltype(&cuCtxPushCurrent) push;
  decltype(&cuCtxPopCurrent) pop;
  decltype(&cuCtxGetDevice) get_device;
  decltype(&cuDevicePrimaryCtxRetain) retain;
  decltype(&cuDevicePrimaryCtxRelease) release;
};

[[noreturn]] void refuse(const std::string &sentence) {
  throw Error(Error::Kind::kDevice, sentence);
}

template <typename F>
void resolve(void *library, const char *name, F *function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  if (!*function) refuse(std::string("The NVIDIA driver has no ") + name);
}

void check_driver(const char *what, CUresult result) {
  if (result != CUDA_SUCCESS)
    refuse(std::string("The NVIDIA driver failed: error ") +
           std::to_string(result) + " (" + what + ")");
}

Driver open_driver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    refuse("There is no NVIDIA driver (" + std::string(dlerror()) + ")");
  Driver d;
  resolve(library, "cuInit", &d.init);
  resolve(library, "cuDeviceGet", &d.device_get);
  resolve(library, "cuCtxPushCurrent_v2", &d.push);
  resolve(library, "cuCtxPopCurrent_v2", &d.pop);
  resolve(library, "cuCtxGetDevice", &d.get_device);
  resolve(library, "cuDevicePrimaryCtxRetain", &d.retain);
  resolve(library, "cuDevicePrimaryCtxRelease_v2", &d.release);
  const CUresult result = d.init(0);
  if (result == CUDA_ERROR_NO_DEVICE) refuse("There is no NVIDIA GPU");
  check_driver("cuInit", result);
  return d;
}

const Driver &driver() {
  static const Driver opened = open_driver();
  return opened;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

int count_devices() {
  driver();
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaErrorInsufficientDriver) {
    int has = 0, needs = 0;
    cudaDriverGetVersion(&has);
    cudaRuntimeGetVersion(&needs);
    refuse("The NVIDIA driver is too old: it supports CUDA " +
           version_text(has) + ", and " + version_text(needs) + " is needed");
  }
  if (result == cudaErrorNoDevice || (result == cudaSuccess && count == 0))
    refuse("There is no NVIDIA GPU");
  check_cuda("cudaGetDeviceCount", result);
  return count;
}

int capability(int device) {
  int major = 0, minor = 0;
  CHECK_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor,
                                    device));
  CHECK_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor,
                                    device));
  return 10 * major + minor;
}

}  // namespace

std::shared_ptr<const Context> Context::primary(int device) {
  check_device(device);
  CUdevice handle = 0;
  CUcontext context = nullptr;
  check_driver("cuDeviceGet", driver().device_get(&handle, device));
  check_driver("cuDevicePrimaryCtxRetain", driver().retain(&context, handle));
  return std::shared_ptr<const Context>(new Context(context, device, true));
}

std::shared_ptr<const Context> Context::borrow(void *handle) {
  check_driver("cuCtxPushCurrent",
               driver().push(static_cast<CUcontext>(handle)));
  CUdevice device = 0;
  const CUresult result = driver().get_device(&device);
  CUcontext popped;
  driver().pop(&popped);
  check_driver("cuCtxGetDevice", result);
  // A CUdevice is its ordinal.
  check_device(device);
  return std::shared_ptr<const Context>(new Context(handle, device, false));
}

Context::~Context() {
  if (owned_) driver().release(device_);
}

Current::Current(const Context &context) {
  check_driver("cuCtxPushCurrent",
               driver().push(static_cast<CUcontext>(context.handle())));
}

Current::~Current() {
  CUcontext popped;
  driver().pop(&popped);
}

void check_machine() {
  const int count = count_devices();
  for (int device = 0; device < count; device++)
    if (capability(device) >= kOldest) return;
  refuse("No GPU has compute capability 7.5 or newer (Turing, 2018)");
}

void check_device(int device) {
  const int count = count_devices();
  if (device < 0 || device >= count)
    refuse("There is no CUDA device " + std::to_string(device) + "; there " +
           (count == 1 ? "is 1" : "are " + std::to_string(count)) +
           ", counted from 0");
  if (capability(device) < kOldest)
    refuse(
        "CUDA device " + std::to_string(device) + " has compute capability " +
        std::to_string(capability(device) / 10) + "." +
        std::to_string(capability(device) % 10) + "; 7.5 or newer is needed");
}

}  // namespace fastscnn::cuda
