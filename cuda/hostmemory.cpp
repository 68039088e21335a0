// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/hostmemory.h"

#include <utility>

#include "cuda/handles.h"

namespace fastscnn::cuda {
namespace {

/// A handle with its context.
template <typename T>
struct Kept {
  ~Kept() {
    // If this fails, the context is already destroyed, and the object with it.
    const Result<ContextGuard> guard = ContextGuard::enter(*context);
    object = T();
  }

  std::shared_ptr<const Context> context;
  T object;
};

}  // namespace

Result<std::shared_ptr<void>> allocate_host_memory(
    std::shared_ptr<const Context> context, size_t bytes) {
  const auto kept = std::make_shared<Kept<PinnedMemory>>();
  kept->context = std::move(context);
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*kept->context));
  kept->object = FASTSCNN_TRY(make_pinned_memory(bytes));
  return std::shared_ptr<void>(kept, kept->object.get());
}

Result<std::shared_ptr<void>> register_host_memory(
    std::shared_ptr<const Context> context, void *memory, size_t bytes) {
  const auto kept = std::make_shared<Kept<Registration>>();
  kept->context = std::move(context);
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*kept->context));
  if (FASTSCNN_TRY(is_pinned(memory, bytes))) return nullptr;
  kept->object = FASTSCNN_TRY(make_registration(memory, bytes));
  return std::shared_ptr<void>(kept);
}

}  // namespace fastscnn::cuda
