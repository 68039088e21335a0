// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/hostmemory.h"

#include <utility>

#include "cuda/handles.h"

namespace fastscnn::cuda {
namespace {

struct HostMemory {
  ~HostMemory() {
    // If this fails, the context is already destroyed, and the memory with it.
    const Result<ContextGuard> guard = ContextGuard::enter(*context);
    memory = PinnedMemory();
  }

  std::shared_ptr<const Context> context;
  PinnedMemory memory;
};

}  // namespace

Result<std::shared_ptr<void>> allocate_host_memory(
    std::shared_ptr<const Context> context, size_t bytes) {
  const auto owner = std::make_shared<HostMemory>();
  owner->context = std::move(context);
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*owner->context));
  owner->memory = FASTSCNN_TRY(make_pinned_memory(bytes));
  return std::shared_ptr<void>(owner, owner->memory.get());
}

}  // namespace fastscnn::cuda
