// Keyed dropout: every mask bit is the one word's that its key names, whatever holds the feature (dense row, stored entry, copy
// on another worker, any instruction set, any number of threads).
#include "gnnbench/keyed_dropout.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "gnnbench/philox_kernels.h"
#include "gnnbench/random_graph.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

const DropoutKey kKey{.key = {0x123456789abcdefull}, .purpose = Purpose::dropout, .update = 7, .layer = 2, .p = 0.3};

bool kept(const DropoutKey& key, NodeId node, std::int64_t feature) {
  const auto words = key.key.words(key.purpose, key.update, key.layer, static_cast<std::uint32_t>(node),
                                   static_cast<std::uint32_t>(feature / 4));
  return static_cast<double>(words[at(feature % 4)]) >= key.p * 0x1p32;
}

}  // namespace

TEST_CASE("dropout of rows is the key's, in every instruction set and for every width") {
  ThreadPool pool(1);
  const std::vector<NodeId> nodes = {5, 0, 2147483646, 12, 13, 14, 77, 5000, 3, 1, 2};
  for (const std::int64_t width : {1, 3, 4, 5, 8, 16, 20, 63, 64, 65, 68, 100, 128, 200}) {
    const auto x = random_numbers<float>(nodes.size() * at(width), 1);
    std::vector<float> expected, rectified;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      for (std::int64_t j = 0; j < width; ++j) {
        const float value = x[i * at(width) + at(j)];
        const bool keep = kept(kKey, nodes[i], j);
        expected.push_back(keep ? value * kKey.scale() : 0.f);
        rectified.push_back(keep && value > 0 ? value * kKey.scale() : 0.f);
      }
    }
    CAPTURE(width);
    for (const InstructionSet set : {InstructionSet::base, InstructionSet::avx2, InstructionSet::avx512}) {
      if (!supported(set)) continue;
      CAPTURE(name_of(set));
      std::vector<float> out(x.size(), 9.f);
      dropout_rows(kKey, nodes, x, width, out, pool, set);
      CHECK(out == expected);
      std::vector<float> fused(x.size(), 9.f);
      MaskArguments<float> a{.common = PhiloxCommon(kKey.key, kKey.purpose, kKey.update, kKey.layer),
                             .threshold = kKey.threshold(),
                             .scale = kKey.scale(),
                             .nodes = nodes.data(),
                             .x = x.data(),
                             .out = fused.data(),
                             .width = width};
      philox_kernels(set).relu_mask_rows(a, 0, static_cast<std::int64_t>(nodes.size()));
      CHECK(fused == rectified);
    }
    const std::vector<double> wide(x.begin(), x.end());
    std::vector<double> out(x.size());
    dropout_rows(kKey, nodes, wide, width, out, pool);
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i] == (expected[i] == 0 ? 0 : wide[i] * (1 / (1 - kKey.p))));
  }
}

TEST_CASE("stored streams: the mask of one key, once and for all") {
  ThreadPool pool(1);
  const std::vector<NodeId> nodes = {41};
  const std::vector<float> ones(32, 1.f);
  std::vector<float> out(32);
  dropout_rows({.key = {1}, .purpose = Purpose::dropout, .update = 3, .layer = 1, .p = 0.5}, nodes, ones, 32, out, pool);
  std::uint32_t bits = 0;
  for (std::size_t j = 0; j < 32; ++j) bits |= static_cast<std::uint32_t>(out[j] == 2.f) << j;
  CHECK(bits == 0xcbb6284cu);
}

TEST_CASE("a node's mask does not depend on where its row stands, on threads, or on the other half of the update") {
  constexpr std::int64_t kWidth = 36, kRows = 2000;
  const auto x = random_numbers<float>(kRows * kWidth, 2);
  std::vector<NodeId> nodes(kRows);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i] = static_cast<NodeId>(i);
  std::vector<float> plain(x.size());
  {
    ThreadPool pool(1);
    dropout_rows(kKey, {}, x, kWidth, plain, pool);
  }
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    std::vector<float> out(x.size());
    dropout_rows(kKey, nodes, x, kWidth, out, pool);
    CHECK(out == plain);
    out = x;
    dropout_rows(kKey, nodes, out, kWidth, out, pool);  // in place
    CHECK(out == plain);
  }
  ThreadPool pool(1);
  std::vector<float> other(x.size());
  for (int change = 0; change < 4; ++change) {
    DropoutKey key = kKey;
    if (change == 0) key.update += 1;
    if (change == 1) key.layer += 1;
    if (change == 2) key.purpose = Purpose::dropout_input;
    if (change == 3) key.key.seed += std::uint64_t{1} << 32;
    dropout_rows(key, {}, x, kWidth, other, pool);
    std::size_t agree = 0;
    for (std::size_t i = 0; i < x.size(); ++i) agree += (other[i] == 0) == (plain[i] == 0);
    // Independent masks agree with probability .7^2 + .3^2 = .58.
    CHECK(std::abs(static_cast<double>(agree) / static_cast<double>(x.size()) - 0.58) < 0.01);
  }
}

TEST_CASE("dropout keeps the mean and its share") {
  ThreadPool pool(1);
  for (const double p : {0.0, 0.1, 0.5, 0.9}) {
    DropoutKey key = kKey;
    key.p = p;
    const std::vector<float> ones(200000, 1.f);
    std::vector<float> out(ones.size());
    dropout_rows(key, {}, ones, 200, out, pool);
    double sum = 0, zeros = 0;
    for (const float value : out) {
      sum += static_cast<double>(value);
      zeros += value == 0;
    }
    const double n = static_cast<double>(ones.size()), deviation = std::sqrt(p * (1 - p) / n);
    CHECK(std::abs(zeros / n - p) <= 5 * deviation);
    CHECK(std::abs(sum / n - 1) <= 5 * deviation / (1 - p) + 1e-6);
  }
}

TEST_CASE("ReLU then dropout in one pass: NaN is not hidden, the gradient passes where the output is not 0") {
  ThreadPool pool(1);
  const std::int64_t width = 64;
  auto x = random_numbers<float>(4 * 64, 3);
  std::vector<float> separate(x.size()), fused(x.size()), dx(x.size()), expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) separate[i] = std::max(x[i], 0.f);
  dropout_rows(kKey, {}, separate, width, separate, pool);
  relu_dropout_rows(kKey, {}, x, width, fused, pool);
  CHECK(fused == separate);
  const auto gradient = random_numbers<float>(x.size(), 4);
  dropout_rows(kKey, {}, gradient, width, expected, pool);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] <= 0) expected[i] = 0;
  relu_dropout_backward<float>(kKey, fused, gradient, dx, pool);
  CHECK(dx == expected);
  for (float& value : x) value = std::nanf("");
  relu_dropout_rows(kKey, {}, x, width, fused, pool);
  std::size_t broken = 0;
  for (std::size_t j = 0; j < 64; ++j) broken += std::isnan(fused[j]) == kept(kKey, 0, static_cast<std::int64_t>(j));
  CHECK(broken == 64);
}

TEST_CASE("stored entries of sparse features are dropped as dense ones are") {
  const Csr rows = random_csr(300, 50, 0.2, 5);
  std::vector<NodeId> nodes;
  for (int i = 0; i < 300; ++i) nodes.push_back(900 - 3 * i);
  const auto values = random_numbers<float>(rows.indices.size(), 6);
  std::vector<float> dense(300 * 50), dropped(dense.size());
  for (std::int64_t v = 0; v < 300; ++v)
    for (EdgeIndex e = rows.indptr[at(v)]; e < rows.indptr[at(v) + 1]; ++e)
      dense[at(v * 50 + rows.indices[at(e)])] = values[at(e)];
  for (int threads = 1; threads <= 3; ++threads) {
    ThreadPool pool(threads);
    dropout_rows(kKey, nodes, dense, 50, dropped, pool);
    std::vector<float> out(values.size());
    dropout_entries(kKey, nodes, rows.view(), values, out, pool);
    bool same = true;
    for (std::int64_t v = 0; v < 300; ++v)
      for (EdgeIndex e = rows.indptr[at(v)]; e < rows.indptr[at(v) + 1]; ++e)
        same = same && out[at(e)] == dropped[at(v * 50 + rows.indices[at(e)])];
    CHECK(same);
  }
}

TEST_CASE("attention dropout is keyed by the edge's two global nodes and the head") {
  const Csr graph = random_csr(60, 80, 0.5, 7);
  std::vector<NodeId> targets, sources;
  for (int i = 0; i < 80; ++i) sources.push_back(1000 - i);
  targets.assign(sources.begin(), sources.begin() + 60);
  constexpr int kHeads = 6;
  const std::vector<float> alpha(graph.indices.size() * kHeads, 1.f), self_alpha(60 * kHeads, 1.f);
  const auto expected = [&](NodeId target, NodeId source, int head) {
    DropoutKey key = kKey;
    key.layer += 256 * static_cast<std::uint32_t>(head / 4);
    const auto words =
        key.key.words(key.purpose, key.update, key.layer, static_cast<std::uint32_t>(target), static_cast<std::uint32_t>(source));
    return static_cast<double>(words[at(head % 4)]) >= key.p * 0x1p32 ? kKey.scale() : 0.f;
  };
  for (int threads = 1; threads <= 3; ++threads) {
    ThreadPool pool(threads);
    std::vector<float> out(alpha.size()), self(self_alpha.size());
    dropout_edges<float>(kKey, graph.view(), targets, sources, kHeads, alpha, out, pool);
    dropout_self_edges<float>(kKey, targets, 60, kHeads, self_alpha, self, pool);
    std::size_t wrong = 0;
    for (std::int64_t v = 0; v < 60; ++v) {
      for (int k = 0; k < kHeads; ++k) {
        for (EdgeIndex e = graph.indptr[at(v)]; e < graph.indptr[at(v) + 1]; ++e)
          wrong += out[at(e * kHeads + k)] != expected(targets[at(v)], sources[at(graph.indices[at(e)])], k);
        wrong += self[at(v * kHeads + k)] != expected(targets[at(v)], targets[at(v)], k);
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("uniforms of many nodes are RandomKey's") {
  const RandomKey key{99};
  std::vector<NodeId> nodes;
  for (int i = 0; i < 37; ++i) nodes.push_back(i * 58000003 % 2147483647);
  for (const InstructionSet set : {InstructionSet::base, InstructionSet::avx2, InstructionSet::avx512}) {
    if (!supported(set)) continue;
    for (const std::int64_t count : {0, 1, 8, 9, 37}) {
      std::vector<std::uint64_t> bits(40, 1);
      philox_kernels(set).uniform_bits(PhiloxCommon(key, Purpose::labor, 5, 3), nodes.data(), count, bits.data());
      for (std::int64_t i = 0; i < count; ++i)
        CHECK(static_cast<double>(bits[at(i)]) * 0x1p-53 ==
              key.uniform(Purpose::labor, 5, 3, static_cast<std::uint32_t>(nodes[at(i)])));
      CHECK(bits[at(count)] == 1);
    }
  }
}
