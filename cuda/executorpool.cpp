// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/executorpool.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

namespace fastscnn::cuda {

struct ExecutorPool::Entry {
  std::unique_ptr<Executor> executor;
  uint64_t used = 0;  // clock_ at the end of the last use
  bool lent = false;
  bool retired = false;  // to be destroyed when it comes back
};

/// A thread in acquire().
struct ExecutorPool::Waiter {
  std::condition_variable changed;
  Entry *entry = nullptr;
};

/// Lives as long as it has members.
struct ExecutorPool::Kind {
  ExecutorKind key;
  int members = 0;
  std::list<Entry> entries;
  std::deque<Waiter *> waiters;  // in order of arrival

  /// Number of executors, without the retired ones.
  int size() const {
    return static_cast<int>(
        std::count_if(entries.begin(), entries.end(),
                      [](const Entry &entry) { return !entry.retired; }));
  }

  uint64_t last_used() const {
    uint64_t last = 0;
    for (const Entry &entry : entries) last = std::max(last, entry.used);
    return last;
  }

  Entry *least_recently_used() {
    return best([](const Entry &entry) { return !entry.retired; }, false);
  }
  Entry *idle_longest() {
    return best([](const Entry &entry) { return !entry.lent; }, false);
  }
  /// The best choice: parts of its memory may still be in the caches.
  Entry *idle_shortest() {
    return best([](const Entry &entry) { return !entry.lent; }, true);
  }

  std::unique_ptr<Executor> take(const Entry *entry) {
    const auto it =
        std::find_if(entries.begin(), entries.end(),
                     [entry](const Entry &e) { return &e == entry; });
    std::unique_ptr<Executor> executor = std::move(it->executor);
    entries.erase(it);
    return executor;
  }

 private:
  /// The latest or earliest used entry that fits; null if none does.
  template <typename F>
  Entry *best(const F &fits, bool latest) {
    Entry *found = nullptr;
    for (Entry &entry : entries)
      if (fits(entry) && (!found || (entry.used > found->used) == latest))
        found = &entry;
    return found;
  }
};

ExecutorPool::ExecutorPool(int limit) : limit_(limit) {}
ExecutorPool::~ExecutorPool() = default;

ExecutorPool::Lease::Lease(std::shared_ptr<ExecutorPool> pool, Kind *kind,
                           Entry *entry)
    : pool_(std::move(pool)), kind_(kind), entry_(entry) {}

ExecutorPool::Lease::~Lease() {
  if (pool_) pool_->give_back(kind_, entry_);
}

Executor &ExecutorPool::Lease::executor() const { return *entry_->executor; }

ExecutorPool::Member::Member(std::shared_ptr<ExecutorPool> pool, Kind *kind)
    : pool_(std::move(pool)), kind_(kind) {}

ExecutorPool::Member::~Member() {
  if (pool_) pool_->leave(kind_);
}

ExecutorPool::Lease ExecutorPool::Member::acquire() const {
  return Lease(pool_, kind_, pool_->acquire(kind_));
}

int ExecutorPool::waiting() const {
  const Lock lock(mutex_);
  size_t waiting = 0;
  for (const auto &[key, kind] : kinds_) waiting += kind->waiters.size();
  return static_cast<int>(waiting);
}

int ExecutorPool::count() const {
  size_t count = 0;
  for (const auto &[key, kind] : kinds_) count += kind->entries.size();
  return static_cast<int>(count);
}

/// The kind with the most executors; if several have, the least recently used.
ExecutorPool::Kind *ExecutorPool::richest() const {
  Kind *found = nullptr;
  for (const auto &[key, kind] : kinds_) {
    const int more = found ? kind->size() - found->size() : 1;
    if (more > 0 || (more == 0 && kind->last_used() < found->last_used()))
      found = kind.get();
  }
  return found;
}

Result<ExecutorPool::Member> ExecutorPool::join(const ExecutorKind &key,
                                                const Make &make,
                                                const Warn &warn) {
  const Lock turn(making_);
  std::unique_ptr<Executor> spared;
  Lock lock(mutex_);
  Kind *kind = find(key);
  kind->members++;
  const int has = kind->size();
  Kind *other = richest();
  const bool full = count() >= limit_;
  const bool spares = full && other->size() >= has + 2;
  if (spares) {
    spared = retire(other);
    came_back_.wait(lock, [this] { return retired_ == 0; });
  }
  lock.unlock();

  Member member(shared_from_this(), kind);
  spared.reset();
  if (full && !spares && has > 0) return member;
  Result<std::unique_ptr<Executor>> made = make();
  if (!made && has == 0) return made.error();
  if (!made) {
    warn("Streams share fewer GPU buffers than they could: " +
         made.error().sentence);
    return member;
  }
  lock.lock();
  kind->entries.push_back({*std::move(made)});
  offer(kind, &kind->entries.back());
  lock.unlock();
  return member;
}

ExecutorPool::Kind *ExecutorPool::find(const ExecutorKind &key) {
  std::unique_ptr<Kind> &kind = kinds_[key];
  if (!kind) {
    kind = std::make_unique<Kind>();
    kind->key = key;
  }
  return kind.get();
}

/// Removes and returns the least recently used executor. Returns null if it is
/// lent: give_back() then destroys it.
std::unique_ptr<Executor> ExecutorPool::retire(Kind *kind) {
  Entry *entry = kind->least_recently_used();
  if (!entry->lent) return kind->take(entry);
  entry->retired = true;
  retired_++;
  return nullptr;
}

void ExecutorPool::leave(Kind *kind) {
  std::unique_ptr<Kind> last;
  std::vector<std::unique_ptr<Executor>> spared;
  const Lock lock(mutex_);
  kind->members--;
  // Each remaining member uses at most one at a time, so the surplus is idle.
  while (kind->size() > kind->members)
    spared.push_back(kind->take(kind->idle_longest()));
  if (kind->members > 0) return;
  const auto it = kinds_.find(kind->key);
  last = std::move(it->second);
  kinds_.erase(it);
}

/// Gives an executor to the thread that has waited longest.
void ExecutorPool::offer(Kind *kind, Entry *entry) {
  entry->lent = !kind->waiters.empty();
  if (!entry->lent) return;
  Waiter *waiter = kind->waiters.front();
  kind->waiters.pop_front();
  waiter->entry = entry;
  waiter->changed.notify_one();
}

ExecutorPool::Entry *ExecutorPool::acquire(Kind *kind) {
  Lock lock(mutex_);
  if (Entry *entry = kind->idle_shortest()) {
    entry->lent = true;
    return entry;
  }
  Waiter waiter;
  kind->waiters.push_back(&waiter);
  waiter.changed.wait(lock, [&waiter] { return waiter.entry != nullptr; });
  return waiter.entry;
}

void ExecutorPool::give_back(Kind *kind, Entry *entry) {
  std::unique_ptr<Executor> retired;
  {
    const Lock lock(mutex_);
    entry->used = ++clock_;
    if (!entry->retired) return offer(kind, entry);
    retired = kind->take(entry);
  }
  retired.reset();
  const Lock lock(mutex_);
  retired_--;
  came_back_.notify_all();
}

}  // namespace fastscnn::cuda
