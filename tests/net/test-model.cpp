// SPDX-License-Identifier: LGPL-2.1-or-later
// Valid model files are read exactly; every invalid one is refused with an
// error that names the fault.
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>

#include "net/error.h"
#include "net/model.h"
#include "tests/support/modelwriter.h"
#include "tests/support/must.h"

using fastscnn::Error;
using fastscnn::Model;
using fastscnn::must;
using fastscnn::Variant;
using fastscnn::testing::join;
using fastscnn::testing::ModelFile;

namespace {

using Bytes = std::vector<uint8_t>;

std::shared_ptr<const Model> parse(const ModelFile &file) {
  const Bytes bytes = file.bytes();
  return must(Model::parse(bytes.data(), bytes.size(), "m"));
}

/// Expects an Error whose sentence contains `words`.
void expect_refusal(const Bytes &file, const char *words) {
  const auto model = Model::parse(file.data(), file.size(), "x.safetensors");
  if (model)
    g_error("a file that should be refused for \"%s\" was accepted", words);
  const char *sentence = model.error().sentence.c_str();
  g_assert_true(model.error().kind == Error::Kind::kModel);
  g_assert_nonnull(std::strstr(sentence, "x.safetensors"));
  if (!std::strstr(sentence, words))
    g_error("expected \"%s\" in \"%s\"", words, sentence);
}

void expect_refusal(const std::function<void(ModelFile &)> &spoil,
                    const char *words) {
  ModelFile file = ModelFile::valid();
  spoil(file);
  expect_refusal(file.bytes(), words);
}

void set_floats(ModelFile &file, const std::string &name, float value) {
  std::memcpy(file.data.data() + file.tensor(name).begin, &value, sizeof value);
}

/// Stores a tensor as fp16 and moves the tensors after it.
void set_half(ModelFile &file, const std::string &name,
              const std::vector<uint16_t> &halves) {
  ModelFile::Tensor &t = file.tensor(name);
  const uint64_t size = 2 * halves.size(), saved = t.end - t.begin - size;
  std::memcpy(file.data.data() + t.begin, halves.data(), size);
  file.data.erase(file.data.begin() + t.begin + size,
                  file.data.begin() + t.end);
  const uint64_t end = t.end;
  t.type = "F16";
  t.end = t.begin + size;
  for (ModelFile::Tensor &other : file.tensors)
    if (other.begin >= end) other.begin -= saved, other.end -= saved;
}

void test_valid() {
  for (const Variant &v :
       {Variant::tramac(), Variant::mmseg(), Variant::paper()}) {
    ModelFile file = ModelFile::valid(v, 5);
    const auto model = parse(file);
    g_assert_cmpint(model->info().classes(), ==, 5);
    g_assert_cmpstr(model->info().labels[4].c_str(), ==, "class4");
    g_assert_cmphex(model->info().colors[4], ==, 0x040203);
    g_assert_cmpfloat(model->info().mean[1], ==, 0.25f);
    g_assert_cmpint(model->info().input_width, ==, 160);
    g_assert_cmpint(model->info().variant.ppm_out_kernel, ==, v.ppm_out_kernel);
    g_assert_true(model->info().variant.ffm_dw == v.ffm_dw);
    for (size_t i = 0; i < model->layers().size(); i++) {
      if (model->weight(i).empty()) continue;
      const auto &t = file.tensor(model->layers()[i].name + ".weight");
      g_assert_cmpmem(model->weight(i).data(), 4 * model->weight(i).size(),
                      file.data.data() + t.begin, t.end - t.begin);
    }
  }
}

void test_half() {
  ModelFile file = ModelFile::valid();
  // 1, -2, largest, smallest normal, smallest and largest subnormal, -0
  const std::vector<uint16_t> halves = {0x3c00, 0xc000, 0x7bff, 0x0400,
                                        0x0001, 0x03ff, 0x8000};
  const float expected[] = {
      1.f, -2.f, 65504.f, 0x1p-14f, 0x1p-24f, 1023 * 0x1p-24f, -0.f};
  std::vector<uint16_t> all(32, 0);
  std::copy(halves.begin(), halves.end(), all.begin());
  set_half(file, "lds.conv.bias", all);
  const auto model = parse(file);
  for (size_t i = 0; i < halves.size(); i++)
    g_assert_cmpfloat(model->bias(0)[i], ==, expected[i]);
  g_assert_true(std::signbit(model->bias(0)[6]));
  all[0] = 0x7c00;
  ModelFile infinite = ModelFile::valid();
  set_half(infinite, "lds.conv.bias", all);
  expect_refusal(infinite.bytes(),
                 "\"lds.conv.bias\" has a weight that is not");
}

void test_container() {
  expect_refusal(Bytes(), "too short");
  expect_refusal(Bytes(7, 0), "too short");
  Bytes claims(8 + 4, 0xff);
  expect_refusal(claims, "header claims 18446744073709551615 bytes");
  expect_refusal(join("{\"a\"", {}), "not valid JSON");
  expect_refusal(join("[]", {}), "not a JSON object");
  expect_refusal(join(std::string((1 << 20) + 1, ' '), {}), "needs less than");
  expect_refusal(join("{\"__metadata__\":[]}", {}), "__metadata__");
  expect_refusal(join("{\"__metadata__\":{\"a\":1}}", {}), "not a string");
  expect_refusal(join("{\"a\":{},\"a\":{}}", {}), "\"a\" twice");
  expect_refusal(join(std::string(500000, '['), {}), "not valid JSON");
  Bytes cut = ModelFile::valid().bytes();
  cut.pop_back();
  expect_refusal(cut, "outside the");
}

void test_ranges() {
  auto entry = [](const std::string &body) {
    return join("{\"t\":{" + body + "}}", Bytes(16));
  };
  const auto floats = [&](const char *shape, const char *offsets,
                          const char *words) {
    expect_refusal(entry(std::string("\"dtype\":\"F32\",\"shape\":") + shape +
                         ",\"data_offsets\":" + offsets),
                   words);
  };
  expect_refusal(entry("\"shape\":[4]"), "\"dtype\" null");
  expect_refusal(entry("\"dtype\":\"F32\",\"shape\":[4]"),
                 "as \"data_offsets\"");
  floats("[-4]", "[0,16]", "-4");
  floats("[4.5]", "[0,16]", "4.5");
  floats("4", "[0,16]", "no list");
  floats("[4]", "[0]", "needs 2");
  floats("[4]", "[16,0]", "16 to 0");
  floats("[4]", "[0,20]", "outside the 16 bytes");
  floats("[3]", "[0,16]", "needs 12");
  // 2^62 * 4 elements wrap around to 0
  floats("[4611686018427387904,4]", "[0,16]", "larger than the file");
  expect_refusal(
      entry("\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[0,16]"),
      "BF16");
  expect_refusal(
      join("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
           Bytes(16)),
      "overlaps");
  floats("[3]", "[0,12]", "bytes 12 to 16");
  floats("[3]", "[4,16]", "bytes 0 to 4");
}

void test_tensors() {
  expect_refusal([](ModelFile &f) { f.tensor("ppm.conv6.bias").name = "x"; },
                 "\"ppm.conv6.bias\" is missing");
  expect_refusal(
      [](ModelFile &f) {
        f.tensors.push_back(
            {"extra", "F32", {0}, f.data.size(), f.data.size()});
      },
      "\"extra\" belongs to no layer");
  expect_refusal(
      [](ModelFile &f) {
        f.tensor("gfe.b1.0.exp.weight").shape = {64, 384, 1, 1};
      },
      "[64, 384, 1, 1] instead of [384, 64, 1, 1]");
  expect_refusal([](ModelFile &f) { f.metadata["ppm_out_kernel"] = "3"; },
                 "[128, 256, 1, 1] instead of [128, 256, 3, 3]");
  expect_refusal(
      [](ModelFile &f) { set_floats(f, "cls.conv.weight", std::nanf("")); },
      "\"cls.conv.weight\" has a weight that is not finite, at 0");
  expect_refusal(
      [](ModelFile &f) {
        set_floats(f, "cls.conv.bias", std::numeric_limits<float>::infinity());
      },
      "\"cls.conv.bias\"");
}

void test_metadata() {
  auto with = [](const char *key, const std::string &value) {
    return [key, value](ModelFile &f) { f.metadata[key] = value; };
  };
  for (const char *key :
       {"architecture", "format", "name", "labels", "colors", "mean", "std",
        "input_width", "input_height", "align_corners", "first_conv_padding",
        "dw_relu", "ppm_out_kernel", "ffm_dw", "activation"})
    expect_refusal([key](ModelFile &f) { f.metadata.erase(key); }, key);
  expect_refusal(with("architecture", "unet"), "\"unet\" instead of fast-scnn");
  expect_refusal(with("format", "2"), "\"2\" instead of 1");
  expect_refusal(with("labels", "[]"), "it has 0 classes");
  expect_refusal(with("labels", "[1]"), "instead of a list of strings");
  expect_refusal(with("labels", "[\"a\"]"), "1 labels, but 3 colors");
  std::string many = "[\"a\"";
  for (int i = 1; i < 255; i++) many += ",\"a\"";
  expect_refusal(with("labels", many + "]"), "it has 255 classes");
  expect_refusal(with("colors", "[[1,2]]"), "[r, g, b]");
  expect_refusal(with("colors", "[[1,2,256],[0,0,0],[0,0,0]]"), "0 to 255");
  expect_refusal(with("mean", "[1,2]"), "3 finite numbers");
  expect_refusal(with("mean", "[1,2,\"x\"]"), "3 finite numbers");
  expect_refusal(with("std", "[1,0,1]"), "above 0");
  expect_refusal(with("input_width", "12x"), "32 to 8192");
  expect_refusal(with("input_width", "99999999999999999999"), "32 to 8192");
  expect_refusal(with("align_corners", "yes"), "false or true");
  expect_refusal(with("ffm_dw", "dw5"), "dw3 or dw3-dilation4 or pw1");
}

void test_aliases() {
  ModelFile file = ModelFile::valid();
  g_assert_true(parse(file)->info().aliases.empty());
  file.metadata["aliases"] =
      "{\"one more\":\"class1\",\"two\":\"class2\",\"zwei\":\"class2\"}";
  const auto model = parse(file);
  const auto &aliases = model->info().aliases;
  g_assert_cmpuint(aliases.size(), ==, 3);
  g_assert_cmpstr(aliases[0].first.c_str(), ==, "one more");
  g_assert_cmpstr(aliases[0].second.c_str(), ==, "class1");
  g_assert_cmpstr(aliases[2].first.c_str(), ==, "zwei");
  g_assert_cmpstr(aliases[2].second.c_str(), ==, "class2");

  const auto refused = [](const char *value, const char *words) {
    expect_refusal([value](ModelFile &f) { f.metadata["aliases"] = value; },
                   words);
  };
  refused("{", "\"aliases\" in its metadata");
  refused("[\"class1\"]", "instead of an object of other names");
  refused("{\"a\":1}", "instead of an object of other names");
  refused("{\"\":\"class1\"}", "instead of an object of other names");
  refused("{\"a\":\"klass1\"}",
          "\"a\" stands for \"klass1\", which is not a label");
  refused("{\"a\":\"Class1\"}", "which is not a label");
  refused("{\"class2\":\"class1\"}", "alias \"class2\" is also a label");
  refused("{\"Class2\":\"class1\"}", "alias \"Class2\" is also a label");
  refused("{\"a\":\"class1\",\"a\":\"class1\"}", "\"a\" twice");
  refused("{\"a b\":\"class1\",\"A-B\":\"class2\"}", "alias \"a b\" twice");
}

void test_scales() {
  for (const Variant &v : {Variant::tramac(), Variant::mmseg()}) {
    ModelFile file = ModelFile::valid(v);
    g_assert_true(parse(file)->info().activation_scales.empty());
    file.set_scales(0.25, v);
    const auto model = parse(file);
    const auto &layers = model->layers();
    for (size_t i = 0; i < layers.size(); i++) {
      const bool scaled =
          layers[i].op == fastscnn::Op::kConv && layers[i].name != "cls.conv";
      g_assert_cmpfloat(model->info().activation_scales.at(i), ==,
                        scaled ? 0.25f : 0.f);
    }
  }
}

/// Every fault of the scales has its own error message.
void test_wrong_scales() {
  const auto with = [](const std::string &value) {
    return [value](ModelFile &f) { f.metadata["activation_scales"] = value; };
  };
  /// All scales are right, except for one.
  const auto replaced = [](const char *layer, const char *scale) {
    return [layer, scale](ModelFile &f) {
      f.set_scales(0.25);
      std::string &text = f.metadata["activation_scales"];
      const std::string entry = "\"" + std::string(layer) + "\":0.25";
      const size_t at = text.find(entry);
      g_assert_true(at != std::string::npos);
      text.replace(at, entry.size(), scale);
    };
  };
  expect_refusal(with(""),
                 "\"activation_scales\" in its metadata is not valid");
  expect_refusal(with("[1, 2]"), "\"[1,2]\" instead of an object");
  expect_refusal(with("{}"), "no scale for the layer \"lds.conv\"");
  expect_refusal(replaced("ppm.out", "\"x\":1"),
                 "no scale for the layer \"ppm.out\"");
  expect_refusal(replaced("lds.conv", "\"lds.conv\":0.25,\"cls.conv\":1"),
                 "a scale for \"cls.conv\", which is not");
  expect_refusal(replaced("lds.conv", "\"lds.conv\":0.25,\"ppm.cat\":1"),
                 "a scale for \"ppm.cat\", which is not");
  expect_refusal(replaced("lds.conv", "\"lds.conv\":1,\"lds.conv\":2"),
                 "\"lds.conv\" twice");
  for (const char *scale :
       {"0", "-1", "1e-07", "2e+30", "null", "\"1\"", "[1]", "true"})
    expect_refusal(
        replaced("ffm.high", ("\"ffm.high\":" + std::string(scale)).c_str()),
        (std::string(scale) + " for the layer \"ffm.high\"").c_str());
  expect_refusal(replaced("ffm.high", "\"ffm.high\":1e999"), "not valid JSON");
}

void test_file() {
  g_autofree gchar *dir = g_dir_make_tmp("model-XXXXXX", nullptr);
  g_autofree gchar *path = g_build_filename(dir, "big.safetensors", nullptr);
  auto refused = [&path](const char *words) {
    const auto model = Model::load(path);
    g_assert_false(model.has_value());
    const char *sentence = model.error().sentence.c_str();
    g_assert_nonnull(std::strstr(sentence, path));
    g_assert_nonnull(std::strstr(sentence, words));
  };
  refused("No such file");
  g_mkdir(path, 0700);
  refused("not a regular file");
  g_rmdir(path);
  g_assert_cmpint(mkfifo(path, 0600), ==, 0);  // without a writer
  refused("not a regular file");
  g_unlink(path);

  Bytes bytes = ModelFile::valid().bytes();
  g_file_set_contents(path, reinterpret_cast<const char *>(bytes.data()),
                      bytes.size(), nullptr);
  g_assert_cmpint(must(Model::load(path))->info().classes(), ==, 3);
  // A sparse file of 10 GB is refused by its size.
  g_assert_cmpint(truncate(path, gint64(10) << 30), ==, 0);
  refused("it has 10737418240 bytes");
  g_unlink(path);
  g_rmdir(dir);
}

/// The number after a name in a file of /proc/self.
gint64 number_in(const char *file, const char *name) {
  g_autofree gchar *text = nullptr;
  g_assert_true(g_file_get_contents(file, &text, nullptr, nullptr));
  const char *found = std::strstr(text, name);
  g_assert_nonnull(found);
  return g_ascii_strtoll(found + std::strlen(name), nullptr, 10);
}

/// Makes VmHWM the peak since this call.
void reset_peak() {
  std::FILE *file = std::fopen("/proc/self/clear_refs", "we");
  g_assert_nonnull(file);
  std::fputs("5", file);
  g_assert_cmpint(std::fclose(file), ==, 0);
}

/// Files that are far too large are refused by their size: the parser neither
/// reads nor allocates that much.
void test_limits() {
  const gint64 kGigabyte = gint64(1) << 30, kMegabyte = 1 << 20;
  const std::string tensor =
      "{\"a\":{\"dtype\":\"F16\",\"shape\":[1000000000],"
      "\"data_offsets\":[0,2000000000]}}";
  const struct {
    const char *what;
    std::string header;
    gint64 header_size;  // as the file claims
    gint64 file_size;    // filled up with zeros
  } cases[] = {
      {"10 GB of zeros", "", 0, 10 * kGigabyte},
      {"a header of 100 MB", "{", 100 * kMegabyte, 120 * kMegabyte},
      {"the header of a billion tensors", "{", 60 * kGigabyte, 70 * kGigabyte},
      {"a billion elements", tensor, gint64(tensor.size()), 2 * kGigabyte},
      {"a billion elements in a short file", tensor, gint64(tensor.size()),
       kMegabyte},
  };
  g_autofree gchar *dir = g_dir_make_tmp("model-XXXXXX", nullptr);
  g_autofree gchar *path = g_build_filename(dir, "huge.safetensors", nullptr);
  for (const auto &c : cases) {
    const guint64 claimed = GUINT64_TO_LE(static_cast<guint64>(c.header_size));
    std::string begin(reinterpret_cast<const char *>(&claimed), 8);
    begin += c.header;
    g_assert_true(
        g_file_set_contents(path, begin.data(), gssize(begin.size()), nullptr));
    g_assert_cmpint(truncate(path, c.file_size), ==, 0);
    reset_peak();
    const gint64 memory = number_in("/proc/self/status", "VmHWM:");
    const gint64 read = number_in("/proc/self/io", "rchar:");
    g_assert_false(Model::load(path).has_value());
    g_test_message("%s: %d bytes read, peak %d kB higher", c.what,
                   int(number_in("/proc/self/io", "rchar:") - read),
                   int(number_in("/proc/self/status", "VmHWM:") - memory));
    g_assert_cmpint(number_in("/proc/self/io", "rchar:") - read, <,
                    2 * kMegabyte);
    g_assert_cmpint(number_in("/proc/self/status", "VmHWM:") - memory, <,
                    10 * 1024);
  }
  g_unlink(path);
  g_rmdir(dir);
}

void test_weights_that_do_not_fit() {
  const auto model = parse(ModelFile::valid());
  const size_t n = model->layers().size();
  std::vector<std::vector<float>> weights(n), biases(n);
  const auto refused = Model::create(model->info(), weights, biases);
  g_assert_false(refused.has_value());
  g_assert_nonnull(std::strstr(refused.error().sentence.c_str(),
                               "\"lds.conv\" needs 864 weights"));

  auto info = model->info();
  info.activation_scales = {0.25f};
  for (size_t i = 0; i < n; i++) {
    weights[i] = model->weight(i);
    biases[i] = model->bias(i);
  }
  const auto short_of_scales = Model::create(info, weights, biases);
  g_assert_false(short_of_scales.has_value());
  g_assert_nonnull(std::strstr(short_of_scales.error().sentence.c_str(),
                               "one entry per layer"));
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/model/valid", test_valid);
  g_test_add_func("/model/half", test_half);
  g_test_add_func("/model/aliases", test_aliases);
  g_test_add_func("/model/container", test_container);
  g_test_add_func("/model/ranges", test_ranges);
  g_test_add_func("/model/tensors", test_tensors);
  g_test_add_func("/model/metadata", test_metadata);
  g_test_add_func("/model/scales", test_scales);
  g_test_add_func("/model/wrong-scales", test_wrong_scales);
  g_test_add_func("/model/file", test_file);
  g_test_add_func("/model/limits", test_limits);
  g_test_add_func("/model/weights-that-do-not-fit",
                  test_weights_that_do_not_fit);
  return g_test_run();
}
