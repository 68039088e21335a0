// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cuda/fakestate.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace fastscnn::cuda::fakecuda {

thread_local int contexts = 0;
thread_local bool capturing = false;
thread_local bool follows_kernel = false;
thread_local std::vector<const Node *> captured;

State &state() {
  static State state;
  return state;
}

Lock lock_state() {
  static std::recursive_mutex mutex;
  return Lock(mutex);
}

void require(bool rule, const char *call, const char *what) {
  if (rule) return;
  std::fprintf(stderr, "%s: %s\n", call, what);
  std::abort();
}

bool fails(const char *call) {
  State &s = state();
  const size_t index = s.calls.size();
  s.calls.push_back(call);
  if (s.fault != Fault::kNone && index == s.failing) s.failed = call;
  return s.fault == Fault::kOnce   ? index == s.failing
         : s.fault == Fault::kLost ? index >= s.failing
                                   : false;
}

void add(void *object, const char *kind, size_t bytes) {
  state().objects[object] = {kind, bytes};
  size_t &peak = state().peaks[kind];
  peak = std::max(peak, ++state().counts[kind]);
}

void *make(const char *kind, size_t bytes) {
  void *object = std::malloc(bytes);
  add(object, kind, bytes);
  return object;
}

void check(const void *object, const char *kind, const char *call) {
  const auto it = state().objects.find(object);
  require(it != state().objects.end() && it->second.kind == kind, call, kind);
}

void remove(const void *object, const char *kind, const char *call) {
  check(object, kind, call);
  state().objects.erase(object);
  state().counts[kind]--;
}

void destroy(void *object, const char *kind, const char *call) {
  remove(object, kind, call);
  std::free(object);
}

bool is(const void *memory, const char *kind, size_t bytes) {
  auto it = state().objects.upper_bound(memory);
  if (it == state().objects.begin()) return false;
  --it;
  const auto *begin = static_cast<const char *>(it->first);
  return it->second.kind == kind &&
         static_cast<const char *>(memory) + bytes <= begin + it->second.bytes;
}

void begin(Fault fault, size_t call) {
  state().fault = fault;
  state().failing = call;
  if (fault != Fault::kNone) state().failed.clear();
  state().calls.clear();
  state().peaks = state().counts;
  state().early_launches = 0;
}
size_t early_launches() { return state().early_launches; }
const std::vector<std::string> &calls() { return state().calls; }
const std::string &failed() { return state().failed; }
size_t alive() { return state().objects.size(); }
size_t most(const char *kind) { return state().peaks[kind]; }
void watch_updates(std::function<void(const void *)> updated) {
  state().updated = std::move(updated);
}
bool busy() { return !state().busy.empty(); }

}  // namespace fastscnn::cuda::fakecuda
