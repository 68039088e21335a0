// SPDX-License-Identifier: LGPL-2.1-or-later
// A fake cuDNN that has the same two plans for every convolution.
#define NV_CUDNN_DISABLE_EXCEPTION
#include <cudnn.h>

#include "tests/cuda/fakestate.h"

using namespace fastscnn::cuda::fakecuda;

namespace {

/// A call of cuDNN that has no other effect.
cudnnStatus_t cudnn(const char *call) {
  return fails(call) ? CUDNN_STATUS_ALLOC_FAILED : CUDNN_STATUS_SUCCESS;
}

}  // namespace

#define CUDNN_CALL \
  if (fails(__func__)) return CUDNN_STATUS_ALLOC_FAILED

EXPORT size_t cudnnGetVersion() { return CUDNN_VERSION; }
EXPORT const char *cudnnGetErrorString(cudnnStatus_t) {
  return "injected fault";
}
EXPORT void cudnnGetLastErrorString(char *, size_t) {}
EXPORT cudnnStatus_t cudnnCreate(cudnnHandle_t *handle) {
  LOCK;
  CUDNN_CALL;
  *handle = static_cast<cudnnHandle_t>(make("cudnn"));
  return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  LOCK;
  destroy(handle, "cudnn", __func__);
  return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  LOCK;
  check(handle, "cudnn", __func__);
  check(stream, "stream", __func__);
  return cudnn(__func__);
}
EXPORT cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t,
                                                  cudnnBackendDescriptor_t *d) {
  LOCK;
  CUDNN_CALL;
  *d = make("descriptor");
  return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t
cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  LOCK;
  destroy(descriptor, "descriptor", __func__);
  return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t d,
                                              cudnnBackendAttributeName_t,
                                              cudnnBackendAttributeType_t,
                                              int64_t, const void *) {
  LOCK;
  check(d, "descriptor", __func__);
  return cudnn(__func__);
}
EXPORT cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t d,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type,
                                              int64_t room, int64_t *count,
                                              void *values) {
  LOCK;
  check(d, "descriptor", __func__);
  CUDNN_CALL;
  *count = name == CUDNN_ATTR_ENGINEHEUR_RESULTS      ? 2
           : name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE ? 0
                                                      : 1;
  if (room > 0 && type == CUDNN_TYPE_INT64)
    *static_cast<int64_t *>(values) = 64;
  if (room > 0 && type == CUDNN_TYPE_CHAR) *static_cast<char *>(values) = '1';
  return CUDNN_STATUS_SUCCESS;
}
EXPORT cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) {
  LOCK;
  check(d, "descriptor", __func__);
  return cudnn(__func__);
}
EXPORT cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle,
                                         cudnnBackendDescriptor_t plan,
                                         cudnnBackendDescriptor_t pack) {
  LOCK;
  check(handle, "cudnn", __func__);
  check(plan, "descriptor", __func__);
  check(pack, "descriptor", __func__);
  follows_kernel = false;
  return cudnn(__func__);
}
