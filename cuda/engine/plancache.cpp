// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/plancache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace fastscnn::cuda {
namespace {

// File: magic; strings: identity, name, plan, name, plan, ...; checksum of
// everything before it. A string is its length (8 bytes, native order) and its
// bytes.
constexpr char kMagic[] = "gst-fastscnn plans 1\n";
constexpr size_t kMaxFileBytes = 64u << 20;

/// FNV-1a, 64 bits: detects damage, not tampering.
uint64_t checksum(const std::string &bytes, size_t size) {
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; i++)
    sum = (sum ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3u;
  return sum;
}

void append(std::string *file, const std::string &text) {
  const uint64_t size = text.size();
  file->append(reinterpret_cast<const char *>(&size), sizeof size);
  file->append(text);
}

class Reader {
 public:
  Reader(const std::string &file, size_t begin, size_t end)
      : file_(file), at_(begin), end_(end) {}

  std::optional<std::string> next() {
    uint64_t size;
    if (end_ - at_ < sizeof size) return {};
    std::memcpy(&size, &file_[at_], sizeof size);
    at_ += sizeof size;
    if (end_ - at_ < size) return {};
    at_ += size;
    return file_.substr(at_ - size, size);
  }
  bool done() const { return at_ == end_; }

 private:
  const std::string &file_;
  size_t at_, end_;
};

/// Returns what is wrong with the file; empty if it is sound.
std::string parse(const std::string &file, const std::string &identity,
                  std::map<std::string, std::string> *plans) {
  const size_t magic = sizeof kMagic - 1;
  uint64_t sum;
  if (file.size() < magic + sizeof sum || file.compare(0, magic, kMagic))
    return "it is not a plan cache";
  const size_t end = file.size() - sizeof sum;
  std::memcpy(&sum, &file[end], sizeof sum);
  if (sum != checksum(file, end)) return "it is damaged";
  Reader reader(file, magic, end);
  if (reader.next() != identity)
    return "it belongs to another device or version";
  while (!reader.done()) {
    auto name = reader.next();
    auto plan = reader.next();
    if (!name || !plan) return "it is damaged";
    (*plans)[*name] = *plan;
  }
  return "";
}

/// Reads at most a little more than kMaxFileBytes.
std::optional<std::string> read_file(const std::string &path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(
      std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return {};
  std::string bytes;
  std::string part(1 << 16, '\0');
  while (bytes.size() <= kMaxFileBytes) {
    const size_t n = std::fread(part.data(), 1, part.size(), file.get());
    if (n == 0) break;
    bytes.append(part, 0, n);
  }
  if (std::ferror(file.get())) return {};
  return bytes;
}

bool write_all(int fd, const std::string &bytes) {
  size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t n = write(fd, bytes.data() + written, bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    written += n;
  }
  return fsync(fd) == 0;
}

void make_folders(const std::string &path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0700);
}

}  // namespace

std::string cache_folder() {
  const char *cache = std::getenv("XDG_CACHE_HOME");
  if (cache && cache[0] == '/') return std::string(cache) + "/gst-fastscnn";
  const char *home = std::getenv("HOME");
  if (home && home[0] == '/') return std::string(home) + "/.cache/gst-fastscnn";
  return "";
}

PlanCache::PlanCache(std::string path, std::string identity, const Warn &warn,
                     std::chrono::seconds budget)
    : path_(std::move(path)), identity_(std::move(identity)), budget_(budget) {
  const std::optional<std::string> file = read_file(path_);
  if (!file) return;
  std::map<std::string, std::string> plans;
  const std::string fault = file->size() > kMaxFileBytes
                                ? "it is too large"
                                : parse(*file, identity_, &plans);
  if (fault.empty())
    plans_ = std::move(plans);
  else
    warn("Ignoring the plan cache " + path_ + ": " + fault);
}

std::string PlanCache::find(const std::string &name) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = plans_.find(name);
  return it == plans_.end() ? "" : it->second;
}

void PlanCache::insert(const std::string &name, const std::string &plan,
                       bool final) {
  std::lock_guard<std::mutex> lock(mutex_);
  plans_[name] = plan;
  if (final)
    provisional_.erase(name);
  else
    provisional_.insert(name);
  changed_ |= final;
}

void PlanCache::remove(const std::string &name) {
  std::lock_guard<std::mutex> lock(mutex_);
  changed_ |= plans_.erase(name) > 0;
}

void PlanCache::save(const Warn &warn) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!changed_ || path_.empty()) return;
  changed_ = false;
  std::string file = kMagic;
  append(&file, identity_);
  for (const auto &[name, plan] : plans_) {
    if (provisional_.count(name)) continue;
    if (file.size() + name.size() + plan.size() > kMaxFileBytes - 64) break;
    append(&file, name);
    append(&file, plan);
  }
  const uint64_t sum = checksum(file, file.size());
  file.append(reinterpret_cast<const char *>(&sum), sizeof sum);

  make_folders(path_);
  std::string temporary = path_ + ".XXXXXX";
  const int fd = mkstemp(temporary.data());
  bool ok = fd >= 0 && write_all(fd, file);
  if (fd >= 0) ok &= close(fd) == 0;
  ok = ok && std::rename(temporary.c_str(), path_.c_str()) == 0;
  if (ok) return;
  const std::string reason = std::strerror(errno);
  if (fd >= 0) unlink(temporary.c_str());
  warn("The plan cache " + path_ + " cannot be written: " + reason);
}

}  // namespace fastscnn::cuda
