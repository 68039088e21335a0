// SPDX-License-Identifier: LGPL-2.1-or-later
// Model files: container, header and metadata. Whatever the bytes say, the
// outcome is a model or an Error.
#include "net/error.h"
#include "net/metadata.h"
#include "net/model.h"
#include "net/safetensors.h"
#include "tests/fuzz/fuzz.h"

using namespace fastscnn;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // The parts one by one: a whole model of at least 2 MB is out of a fuzzer's
  // reach, and Model::parse() stops at the first tensor that is missing.
  if (const auto file = Safetensors::parse(data, size)) {
    for (const auto &[name, tensor] : file->tensors) (void)tensor.floats();
    (void)read_model_info(file->metadata);
  }
  (void)Model::parse(data, size, "fuzz");
  return 0;
}
