// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/taskgraph.h"

#include <utility>

namespace fastscnn {

TaskGraph::TaskGraph(std::vector<Task> tasks)
    : tasks_(std::move(tasks)),
      done_(new std::atomic<uint32_t>[tasks_.size()]) {
  for (size_t i = 0; i < tasks_.size(); i++) done_[i] = 0;
}

void TaskGraph::begin() {
  run_++;
  next_ = 0;
}

int TaskGraph::take(int &done_below) {
  const int task = next_.fetch_add(1, std::memory_order_relaxed);
  if (task >= static_cast<int>(tasks_.size())) return -1;
  const Task &t = tasks_[task];
  for (; done_below < t.barrier; done_below++) wait_for(done_below);
  for (int earlier : t.dependencies) wait_for(earlier);
  return task;
}

void TaskGraph::finish(int task) {
  // The stores and loads here and in wait_for() are sequentially consistent:
  // either this thread sees the sleeper, or the sleeper sees the task done.
  done_[task].store(run_);
  if (sleepers_.load()) {
    std::lock_guard<std::mutex> lock(mutex_);
    finished_.notify_all();
  }
}

void TaskGraph::wait_for(int task) {
  for (int i = 0; i < kSpins; i++) {
    if (done(task)) return;
    relax();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  sleepers_++;
  while (done_[task].load() != run_) finished_.wait(lock);
  sleepers_--;
}

}  // namespace fastscnn
