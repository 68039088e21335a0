/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A libcuda.so.1 without a device. It accepts machine code, so that cuDNN can
 * finalize plans that it compiles at run time, and runs nothing. */

#pragma GCC visibility push(default)

enum { SUCCESS = 0, NO_DEVICE = 100 };

static char object;

#define FAILS(name) \
  int name(void);   \
  int name(void) { return NO_DEVICE; }
#define SUCCEEDS(name) \
  int name(void);      \
  int name(void) { return SUCCESS; }
#define MAKES(name)       \
  int name(void **made);  \
  int name(void **made) { \
    *made = &object;      \
    return SUCCESS;       \
  }
#define COUNTS(name, number) \
  int name(int *count);      \
  int name(int *count) {     \
    *count = number;         \
    return SUCCESS;          \
  }

SUCCEEDS(fastscnn_fake_driver)
FAILS(cuInit)
FAILS(cuGetErrorName)
FAILS(cuGetErrorString)
FAILS(cuCtxGetCurrent)
FAILS(cuCtxGetLimit)
FAILS(cuCtxPopCurrent)
FAILS(cuCtxPushCurrent)
FAILS(cuStreamGetCtx)
FAILS(cuLinkCreate)
FAILS(cuLinkAddData)
FAILS(cuLinkComplete)
FAILS(cuLinkDestroy)
FAILS(cuLaunchKernel)
FAILS(cuLaunchKernelEx)
FAILS(cuLaunchCooperativeKernel)
FAILS(cuDeviceGetCount)
FAILS(cuDeviceGet)
FAILS(cuLibraryLoadFromFile)
COUNTS(cuDriverGetVersion, 13000)
MAKES(cuLibraryLoadData)
MAKES(cuLibraryGetKernel)
MAKES(cuLibraryGetModule)
MAKES(cuKernelGetFunction)
MAKES(cuModuleLoadData)
MAKES(cuModuleLoadDataEx)
MAKES(cuModuleGetFunction)
SUCCEEDS(cuLibraryUnload)
SUCCEEDS(cuModuleUnload)
SUCCEEDS(cuLibraryGetGlobal)
SUCCEEDS(cuModuleGetGlobal_v2)
SUCCEEDS(cuKernelSetAttribute)
SUCCEEDS(cuKernelSetCacheConfig)
SUCCEEDS(cuFuncSetAttribute)
COUNTS(cuKernelGetAttribute, 0)
COUNTS(cuFuncGetAttribute, 0)
COUNTS(cuOccupancyMaxActiveClusters, 8)
COUNTS(cuOccupancyMaxPotentialClusterSize, 8)
COUNTS(cuOccupancyMaxActiveBlocksPerMultiprocessor, 8)
COUNTS(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags, 8)
