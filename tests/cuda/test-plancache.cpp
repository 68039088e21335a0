// SPDX-License-Identifier: LGPL-2.1-or-later
// The plan cache keeps plans between processes and ignores files that are
// damaged or belong to another device.
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "cuda/engine/plancache.h"

using fastscnn::cuda::PlanCache;

namespace {

constexpr char kIdentity[] = "GPU, driver 1, cuDNN 2";

/// A temporary folder, and the warnings of all caches in it.
struct Fixture {
  gchar *folder;
  std::string path;
  std::vector<std::string> warnings;

  PlanCache::Warn warn() {
    return [this](const std::string &w) { warnings.push_back(w); };
  }
};

void set_up(Fixture *f, gconstpointer) {
  new (f) Fixture();
  f->folder = g_dir_make_tmp("plancache-XXXXXX", nullptr);
  f->path = std::string(f->folder) + "/new/plans-GPU";
}

void tear_down(Fixture *f, gconstpointer) {
  g_remove(f->path.c_str());
  g_rmdir((std::string(f->folder) + "/new").c_str());
  g_assert_cmpint(g_rmdir(f->folder), ==, 0);  // nothing else is left
  g_free(f->folder);
  f->~Fixture();
}

void write_cache(Fixture *f) {
  PlanCache cache(f->path, kIdentity, f->warn());
  cache.insert("a", "plan of a", true);
  cache.insert("b", std::string("\0\n binary", 9), true);
  cache.save(f->warn());
  g_assert_cmpuint(f->warnings.size(), ==, 0);
}

std::string contents(const Fixture *f) {
  gchar *data;
  gsize size;
  g_assert_true(g_file_get_contents(f->path.c_str(), &data, &size, nullptr));
  std::string text(data, size);
  g_free(data);
  return text;
}

/// A file with these bytes is ignored with one warning.
void expect_ignored(Fixture *f, const std::string &bytes) {
  g_assert_true(g_file_set_contents(f->path.c_str(), bytes.data(), bytes.size(),
                                    nullptr));
  f->warnings.clear();
  const PlanCache cache(f->path, kIdentity, f->warn());
  g_assert_cmpuint(f->warnings.size(), ==, 1);
  g_assert_nonnull(std::strstr(f->warnings[0].c_str(), f->path.c_str()));
  g_assert_true(cache.find("a").empty());
}

void test_round_trip(Fixture *f, gconstpointer) {
  write_cache(f);
  PlanCache cache(f->path, kIdentity, f->warn());
  g_assert_true(cache.find("a") == "plan of a");
  g_assert_true(cache.find("b") == std::string("\0\n binary", 9));
  g_assert_true(cache.find("c").empty());
  cache.remove("a");
  cache.save(f->warn());
  const PlanCache again(f->path, kIdentity, f->warn());
  g_assert_true(again.find("a").empty());
  g_assert_false(again.find("b").empty());
  g_assert_cmpuint(f->warnings.size(), ==, 0);
}

void test_damaged(Fixture *f, gconstpointer) {
  write_cache(f);
  const std::string good = contents(f);
  for (size_t i = 0; i < good.size(); i++) {
    std::string bad = good;
    bad[i] ^= 0x10;
    expect_ignored(f, bad);
    expect_ignored(f, good.substr(0, i));
  }
  expect_ignored(f, good + "x");
}

void test_foreign(Fixture *f, gconstpointer) {
  write_cache(f);
  const PlanCache cache(f->path, "GPU, driver 1, cuDNN 3", f->warn());
  g_assert_cmpuint(f->warnings.size(), ==, 1);
  g_assert_true(cache.find("a").empty());
}

void test_unwritable(Fixture *f, gconstpointer) {
  const std::string path = std::string(f->folder) + "/new";  // a file
  g_assert_true(g_file_set_contents(path.c_str(), "", 0, nullptr));
  PlanCache cache(f->path, kIdentity, f->warn());
  cache.insert("a", "plan", true);
  cache.save(f->warn());
  g_assert_cmpuint(f->warnings.size(), ==, 1);
  g_assert_true(cache.find("a") == "plan");
  g_remove(path.c_str());
}

/// If the disk is full, the old file stays and no temporary file is left. A
/// limit on the size of files makes write() fail as a full disk does.
void test_full_disk(Fixture *f, gconstpointer) {
  write_cache(f);
  const std::string good = contents(f);
  rlimit limit;
  g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
  const rlimit low = {good.size(), limit.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &low), ==, 0);
  PlanCache cache(f->path, kIdentity, f->warn());
  cache.insert("c", "one plan too many", true);
  cache.save(f->warn());
  g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_cmpuint(f->warnings.size(), ==, 1);
  g_assert_nonnull(std::strstr(f->warnings[0].c_str(), "cannot be written"));
  g_assert_true(contents(f) == good);
}

/// Plans that are not final stay in memory.
void test_provisional(Fixture *f, gconstpointer) {
  write_cache(f);
  PlanCache cache(f->path, kIdentity, f->warn());
  cache.insert("c", "the first that works", false);
  cache.insert("d", "another", false);
  cache.insert("d", "the best", true);
  g_assert_true(cache.find("c") == "the first that works");
  cache.save(f->warn());
  const PlanCache again(f->path, kIdentity, f->warn());
  g_assert_true(again.find("a") == "plan of a");
  g_assert_true(again.find("c").empty());
  g_assert_true(again.find("d") == "the best");
}

void test_no_home(Fixture *f, gconstpointer) {
  PlanCache cache("", kIdentity, f->warn());
  cache.insert("a", "plan", true);
  cache.save(f->warn());
  g_assert_cmpuint(f->warnings.size(), ==, 0);
}

void add(const char *name, void (*test)(Fixture *, gconstpointer)) {
  g_test_add(name, Fixture, nullptr, set_up, test, tear_down);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  add("/cuda/plancache/round-trip", test_round_trip);
  add("/cuda/plancache/damaged", test_damaged);
  add("/cuda/plancache/foreign", test_foreign);
  add("/cuda/plancache/unwritable", test_unwritable);
  add("/cuda/plancache/full-disk", test_full_disk);
  add("/cuda/plancache/provisional", test_provisional);
  add("/cuda/plancache/no-home", test_no_home);
  return g_test_run();
}
