// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/taskgraph.h"

#include <utility>

namespace fastscnn {

Schedule::Schedule(std::vector<Task> tasks)
    : tasks_(std::move(tasks)),
      done_(new std::atomic<uint32_t>[tasks_.size()]) {
  for (size_t i = 0; i < tasks_.size(); i++) done_[i] = 0;
}

void Schedule::begin() {
  run_++;
  next_ = 0;
}

int Schedule::take(int &done_before) {
  const int task = next_.fetch_add(1, std::memory_order_relaxed);
  if (task >= static_cast<int>(tasks_.size())) return -1;
  const Task &t = tasks_[task];
  for (; done_before < t.after_all_before; done_before++) wait_for(done_before);
  for (int earlier : t.after) wait_for(earlier);
  return task;
}

void Schedule::finish(int task) {
  // Both this pair and the one in wait_for() are sequentially consistent: at
  // least one side sees what the other has written.
  done_[task].store(run_);
  if (sleepers_.load()) {
    std::lock_guard<std::mutex> lock(mutex_);
    finished_.notify_all();
  }
}

void Schedule::wait_for(int task) {
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
