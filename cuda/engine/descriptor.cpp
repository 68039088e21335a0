// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/descriptor.h"

#include <dlfcn.h>

#include <string>

namespace fastscnn::cuda {
namespace {

Result<Library> open_library() {
  const std::string name = "libcudnn.so." + std::to_string(CUDNN_MAJOR);
  void *handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    handle =
        dlopen((FASTSCNN_CUDNN_DIR "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return Error{Error::Kind::kDevice,
                 "cuDNN 9 is not installed: " + std::string(dlerror())};
  Library l;
  const char *missing = nullptr;
  const auto resolve = [handle, &missing](const char *name, auto *function) {
    *function = reinterpret_cast<std::decay_t<decltype(*function)>>(
        dlsym(handle, name));
    if (!*function) missing = name;
  };
  resolve("cudnnGetVersion", &l.get_version);
  resolve("cudnnGetErrorString", &l.get_error_string);
  resolve("cudnnGetLastErrorString", &l.get_last_error_string);
  resolve("cudnnCreate", &l.create);
  resolve("cudnnDestroy", &l.destroy);
  resolve("cudnnSetStream", &l.set_stream);
  resolve("cudnnBackendCreateDescriptor", &l.create_descriptor);
  resolve("cudnnBackendDestroyDescriptor", &l.destroy_descriptor);
  resolve("cudnnBackendSetAttribute", &l.set_attribute);
  resolve("cudnnBackendGetAttribute", &l.get_attribute);
  resolve("cudnnBackendFinalize", &l.finalize);
  resolve("cudnnBackendExecute", &l.execute);
  if (missing)
    return Error{Error::Kind::kDevice,
                 std::string("cuDNN is damaged: it lacks ") + missing +
                     "; reinstall it"};
  return l;
}

}  // namespace

const Result<Library> &opened_library() {
  static const Result<Library> opened = open_library();
  return opened;
}

Result<> check_cudnn(const char *command, cudnnStatus_t status) {
  if (status == CUDNN_STATUS_SUCCESS) return {};
  char detail[512] = "";
  library().get_last_error_string(detail, sizeof detail);
  return Error{Error::Kind::kEngine, std::string("cuDNN failed: ") +
                                         library().get_error_string(status) +
                                         " (" + command + ") " + detail};
}

}  // namespace fastscnn::cuda
