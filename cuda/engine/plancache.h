// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace fastscnn::cuda {

/// The folder of the project's cache files; empty if the user has no home.
std::string cache_folder();

/// Chosen plans by name, kept in a file between processes. The file belongs
/// to one identity (device, driver, cuDNN). A file that is damaged or belongs
/// to another identity is ignored with a warning; the next save() replaces it.
/// Thread-safe.
class PlanCache {
 public:
  using Warn = std::function<void(const std::string &)>;

  /// Reads path; without a path the cache lives in memory only. A missing file
  /// is not an error. budget: how long choosing the plans of one network may
  /// take.
  PlanCache(std::string path, std::string identity, const Warn &warn,
            std::chrono::seconds budget = std::chrono::seconds(20));

  std::chrono::seconds budget() const { return budget_; }

  /// Empty if the cache has no such plan.
  std::string find(const std::string &name) const;
  /// final: all candidates were timed. save() skips other plans.
  void insert(const std::string &name, const std::string &plan, bool final);
  void remove(const std::string &name);

  /// Replaces the file atomically if a plan was inserted or removed.
  void save(const Warn &warn);

 private:
  const std::string path_;
  const std::string identity_;
  const std::chrono::seconds budget_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> plans_;
  std::set<std::string> provisional_;
  bool changed_ = false;
};

}  // namespace fastscnn::cuda
