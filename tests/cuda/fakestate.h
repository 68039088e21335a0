// SPDX-License-Identifier: LGPL-2.1-or-later
// Shared by the fake runtime, driver and cuDNN: the objects that are alive, the
// faults to inject, the rules of CUDA.
#pragma once

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/cuda/fakecuda.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace fastscnn::cuda::fakecuda {

struct Object {
  std::string kind;
  size_t bytes;
};

/// A kernel in a graph.
struct Node {
  const void *function;
  dim3 grid;
};

struct State {
  Fault fault = Fault::kNone;
  size_t failing = 0;
  std::vector<std::string> calls;
  std::string failed;
  std::map<const void *, Object> objects;  // alive
  std::set<cudaStream_t> busy;             // not waited for
  int captures = 0;                        // on all threads
  size_t early_launches = 0;
  std::map<cudaEvent_t, cudaStream_t> recorded;
  std::set<cudaEvent_t> sleeping;               // events whose waiters sleep
  std::deque<Node> nodes;                       // of all graphs
  std::map<std::string, size_t> counts, peaks;  // of objects, by kind
  std::function<void(const void *)> updated;
  std::map<const void *, std::vector<const Node *>> graphs;  // and execs
};

State &state();

// State of the calling thread.
extern thread_local int contexts;  // pushed
extern thread_local bool capturing;
extern thread_local bool follows_kernel;  // the work queued last is our kernel
extern thread_local std::vector<const Node *> captured;

using Lock = std::unique_lock<std::recursive_mutex>;
Lock lock_state();

/// Aborts the program unless the caller has kept the rule.
void require(bool rule, const char *call, const char *what);

/// Records the call; returns whether it must fail.
bool fails(const char *call);

void *make(const char *kind, size_t bytes = 1);
/// Adds memory that the caller owns.
void add(void *object, const char *kind, size_t bytes);
void remove(const void *object, const char *kind, const char *call);
void check(const void *object, const char *kind, const char *call);
void destroy(void *object, const char *kind, const char *call);

/// Whether these bytes belong to an object of this kind.
bool is(const void *memory, const char *kind, size_t bytes = 1);

}  // namespace fastscnn::cuda::fakecuda

/// Starts a call that several threads may make at the same time.
#define LOCK const Lock lock = lock_state()
