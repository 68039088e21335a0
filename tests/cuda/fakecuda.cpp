// SPDX-License-Identifier: LGPL-2.1-or-later
// The fake driver and runtime.
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "tests/cuda/fakecalls.h"

using namespace fastscnn::cuda::fakecuda;

namespace {

constexpr int kSharedBytes = 232448;  // for a block

}  // namespace

// The driver. dlopen() of libcuda.so.1 and libcudnn.so.9 returns the program
// itself.

EXPORT void *dlopen(const char *name, int flags) {
  using Open = void *(const char *, int);
  static Open *open = reinterpret_cast<Open *>(dlsym(RTLD_NEXT, "dlopen"));
  const bool ours = name && (std::strncmp(name, "libcuda.so", 10) == 0 ||
                             std::strncmp(name, "libcudnn.so", 11) == 0);
  return open(ours ? nullptr : name, flags);
}

#undef cuCtxPushCurrent
#undef cuCtxPopCurrent
#undef cuDevicePrimaryCtxRelease
EXPORT CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGet(CUdevice *device, int) {
  LOCK;
  *device = 0;
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  LOCK;
  return cuDeviceGet(device, 0);
}
EXPORT CUresult cuCtxPushCurrent_v2(CUcontext) {
  LOCK;
  // The context of a lost device can still be entered and left.
  if (fails(__func__) && state().fault == Fault::kOnce)
    return CUDA_ERROR_INVALID_CONTEXT;
  contexts++;
  return CUDA_SUCCESS;
}
EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *) {
  LOCK;
  require(contexts-- > 0, __func__, "no context is current");
  return CUDA_SUCCESS;
}
EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  LOCK;
  if (fails(__func__)) return CUDA_ERROR_OUT_OF_MEMORY;
  *context = static_cast<CUcontext>(make("context"));
  return CUDA_SUCCESS;
}
EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  LOCK;
  for (const auto &[address, object] : state().objects)
    if (object.kind == "context") {
      destroy(const_cast<void *>(address), "context", __func__);
      return CUDA_SUCCESS;
    }
  require(false, __func__, "there is no context");
  return CUDA_SUCCESS;
}

// The runtime.

EXPORT void **__cudaRegisterFatBinary(void *) {
  static void *handle;
  return &handle;
}
EXPORT void __cudaRegisterFatBinaryEnd(void **) {}
EXPORT void __cudaUnregisterFatBinary(void **) {}
EXPORT void __cudaRegisterFunction(void **, const char *, char *, const char *,
                                   int, void *, void *, void *, void *, int *) {
}
EXPORT unsigned __cudaPopCallConfiguration(dim3 *, dim3 *, size_t *, void *) {
  return 0;
}
EXPORT cudaError_t __cudaLaunchKernel(void *, dim3, dim3, void **, size_t,
                                      cudaStream_t) {
  LOCK;
  return cudaSuccess;
}
EXPORT cudaError_t __cudaGetKernel(void **, const void *) {
  LOCK;
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char *cudaGetErrorString(cudaError_t) { return "injected fault"; }
cudaError_t cudaDriverGetVersion(int *version) {
  LOCK;
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version) {
  LOCK;
  return cudaDriverGetVersion(version);
}
cudaError_t cudaGetDeviceCount(int *count) {
  LOCK;
  if (fails(__func__)) return error();
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  LOCK;
  if (fails(__func__)) return error();
  *value =
      attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin ? kSharedBytes : 9;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int) {
  if (fails(__func__)) return error();
  *properties = {};
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int *device) {
  LOCK;
  if (fails(__func__)) return error();
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  LOCK;
  require(state().captures == 0, __func__, "a thread captures a stream");
  state().busy.clear();
  return runtime(__func__);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  LOCK;
  return create(stream, "stream", 1, __func__);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  LOCK;
  state().busy.erase(stream);
  return release(stream, "stream", __func__);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  LOCK;
  UNCAPTURED;
  check(stream, "stream", __func__);
  state().busy.erase(stream);  // even if the call fails
  return runtime(__func__);
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  LOCK;
  UNCAPTURED;
  check(stream, "stream", __func__);
  CALL;
  return state().busy.count(stream) ? cudaErrorNotReady : cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                unsigned) {
  LOCK;
  check(stream, "stream", __func__);
  check(event, "event", __func__);
  return runtime(__func__);
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  LOCK;
  UNCAPTURED;
  check(stream, "stream", __func__);
  CALL;
  capturing = true;
  state().captures++;
  captured.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  LOCK;
  check(stream, "stream", __func__);
  require(capturing, __func__, "nothing is being captured");
  capturing = false;
  state().captures--;
  const cudaError_t status = create(graph, "graph", 1, __func__);
  if (status == cudaSuccess) state().graphs[*graph] = captured;
  return status;
}
/// Returns no node if nothing was captured.
static cudaError_t capture_info(cudaStream_t stream,
                                cudaStreamCaptureStatus *status,
                                const cudaGraphNode_t **nodes, size_t *count,
                                const char *call) {
  LOCK;
  thread_local cudaGraphNode_t last;
  check(stream, "stream", call);
  require(capturing, call, "nothing is being captured");
  const cudaError_t result = runtime(call);
  if (result != cudaSuccess) return result;
  *status = cudaStreamCaptureStatusActive;
  *count = !captured.empty();
  if (*count)
    last =
        reinterpret_cast<cudaGraphNode_t>(const_cast<Node *>(captured.back()));
  *nodes = &last;
  return result;
}
#if CUDART_VERSION >= 13000
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream,
                                     cudaStreamCaptureStatus *status,
                                     unsigned long long *, cudaGraph_t *,
                                     const cudaGraphNode_t **nodes,
                                     const cudaGraphEdgeData **,
                                     size_t *count) {
  LOCK;
  return capture_info(stream, status, nodes, count, __func__);
}
#else
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream,
                                        cudaStreamCaptureStatus *status,
                                        unsigned long long *, cudaGraph_t *,
                                        const cudaGraphNode_t **nodes,
                                        size_t *count) {
  LOCK;
  return capture_info(stream, status, nodes, count, __func__);
}
#endif

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  LOCK;
  const cudaError_t status = create(event, "event", 1, __func__);
  state().sleeping.erase(*event);
  if (flags & cudaEventBlockingSync) state().sleeping.insert(*event);
  return status;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) {
  LOCK;
  return cudaEventCreateWithFlags(event, 0);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  LOCK;
  return release(event, "event", __func__);
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  LOCK;
  check(event, "event", __func__);
  check(stream, "stream", __func__);
  CALL;
  state().recorded[event] = stream;
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  LOCK;
  UNCAPTURED;
  check(event, "event", __func__);
  state().busy.erase(state().recorded[event]);  // even if the call fails
  return runtime(state().sleeping.count(event) ? "sleep" : __func__);
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t, cudaEvent_t) {
  LOCK;
  CALL;
  *ms = 1;
  return cudaSuccess;
}

static void add_node(const void *function, dim3 grid) {
  follows_kernel = true;
  if (!capturing) return;
  state().nodes.push_back({function, grid});
  captured.push_back(&state().nodes.back());
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config,
                                const void *function, void **) {
  LOCK;
  require(config->gridDim.x > 0 && config->gridDim.y > 0 &&
              config->blockDim.x > 0 && config->blockDim.x <= 1024,
          __func__, "no such grid");
  const cudaStream_t stream = config->stream;
  for (unsigned i = 0; i < config->numAttrs; i++) {
    if (config->attrs[i].id !=
        cudaLaunchAttributeProgrammaticStreamSerialization)
      continue;
    require(follows_kernel, __func__,
            "what is in front may not tell when it ends");
    state().early_launches++;
  }
  QUEUE;
  add_node(function, config->gridDim);
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int bytes) {
  LOCK;
  require(bytes <= kSharedBytes, __func__, "no such shared memory");
  return runtime(__func__);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  LOCK;
  return release(graph, "graph", __func__);
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec,
                                          cudaGraph_t graph,
                                          unsigned long long) {
  LOCK;
  check(graph, "graph", __func__);
  const cudaError_t status = create(exec, "exec", 1, __func__);
  if (status == cudaSuccess) state().graphs[*exec] = state().graphs[graph];
  return status;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  LOCK;
  UNCAPTURED;
  check(exec, "exec", __func__);
  QUEUE;
  return cudaSuccess;
}
cudaError_t cudaGraphExecKernelNodeSetParams(
    cudaGraphExec_t exec, cudaGraphNode_t node,
    const cudaKernelNodeParams *params) {
  LOCK;
  UNCAPTURED;
  check(exec, "exec", __func__);
  const auto *known = reinterpret_cast<const Node *>(node);
  const std::vector<const Node *> &nodes = state().graphs[exec];
  require(std::count(nodes.begin(), nodes.end(), known), __func__,
          "the node is not in the graph");
  require(params->func == known->function &&
              params->gridDim.x == known->grid.x &&
              params->gridDim.y == known->grid.y,
          __func__, "the node is another kernel");
  CALL;
  if (state().updated) state().updated(params->kernelParams[0]);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  LOCK;
  return release(exec, "exec", __func__);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  LOCK;
  UNCAPTURED;
  check(exec, "exec", __func__);
  QUEUE;
  return cudaSuccess;
}
