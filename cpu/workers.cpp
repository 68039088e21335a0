// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/workers.h"

#include <string>

namespace fastscnn {

Workers::~Workers() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    work_waits_ = true;
  }
  wake_.notify_all();
  for (pthread_t thread : threads_) pthread_join(thread, nullptr);
}

Result<> Workers::reserve(int threads) {
  const auto work = [](void *self) -> void * {
    static_cast<Workers *>(self)->work();
    return nullptr;
  };
  std::lock_guard<std::mutex> lock(mutex_);
  while (static_cast<int>(threads_.size()) < threads - 1) {
    pthread_t thread;  // the constructor of std::thread throws
    if (pthread_create(&thread, nullptr, work, this) != 0)
      return Error{Error::Kind::kDevice,
                   "The system does not allow " + std::to_string(threads) +
                       " threads; set the property threads to fewer"};
    threads_.push_back(thread);
  }
  return {};
}

void Workers::run(int threads, Function function, void *context) {
  if (threads == 1) {
    function(context, 0);
    return;
  }
  Job job;
  job.function = function;
  job.context = context;
  job.wanted = threads;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    enqueue(&job);
  }
  wake_.notify_all();
  function(context, 0);

  std::unique_lock<std::mutex> lock(mutex_);
  remove(&job);
  lock.unlock();
  for (int i = 0; i < kSpins && job.active > 0; i++) relax();
  lock.lock();
  job.left.wait(lock, [&job] { return job.active == 0; });
}

void Workers::enqueue(Job *job) {
  Job **end = &first_;
  while (*end) end = &(*end)->next;
  *end = job;
  job->next = nullptr;
  work_waits_.store(true, std::memory_order_relaxed);
}

void Workers::remove(Job *job) {
  Job **at = &first_;
  while (*at && *at != job) at = &(*at)->next;
  if (*at) *at = job->next;
  work_waits_.store(first_ || stop_, std::memory_order_relaxed);
}

Workers::Job *Workers::wait_for_job(std::unique_lock<std::mutex> &lock) {
  if (!first_ && !stop_) {
    lock.unlock();
    for (int i = 0; i < kSpins; i++) {
      if (work_waits_.load(std::memory_order_relaxed)) break;
      relax();
    }
    lock.lock();
  }
  wake_.wait(lock, [this] { return first_ || stop_; });
  return stop_ ? nullptr : first_;
}

void Workers::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (Job *job = wait_for_job(lock)) {
    const int worker = job->joined++;
    job->active++;
    // Move the job to the end of the queue: the next thread helps the next
    // caller.
    remove(job);
    if (job->joined < job->wanted) enqueue(job);
    lock.unlock();
    job->function(job->context, worker);
    lock.lock();
    if (--job->active == 0) job->left.notify_one();
  }
}

}  // namespace fastscnn
