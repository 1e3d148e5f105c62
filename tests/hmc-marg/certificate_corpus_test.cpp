// The certificate on every program of the test data that eliminates anything: compressed or not, and with each eliminated
// parameter kept.
#include <doctest/doctest.h>

#include "hmc-marg/certificate.h"
#include "hmc-marg/corpus_support.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/noncentred.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

TEST_CASE("the certificate holds on the corpus") {
  const testing::Corpus corpus;
  if (corpus.folder.empty()) return;
  int eliminating = 0;
  corpus.each([&](const std::string&, testing::BoundModel& model) {
    std::vector<std::string> keeps = {""};
    for (std::size_t variant = 0; variant < keeps.size() + 1; ++variant) {  // one after the keeps: not compressed
      PlanOptions options = testing::largest();
      options.compress = variant < keeps.size();
      if (options.compress && !keeps[variant].empty()) options.keep = {keeps[variant]};
      const Marginal marginal = marginalize(model.graph, options);
      if (marginal.eliminated.empty()) {
        if (variant == 0) break;
        continue;
      }
      if (variant == 0) {
        ++eliminating;
        for (const int p : marginal.eliminated) keeps.push_back(model.graph.parameters[static_cast<std::size_t>(p)].name);
      }
      const CertificateResult result = certify(model.graph, marginal, 1, 32);
      CAPTURE(variant);
      CAPTURE(result.worst);
      CHECK(result.ok);
      CHECK(result.max_rel_error < 1e-10);
    }
  });
  CHECK(eliminating >= 25);
}

TEST_CASE("the planner's choice holds on the corpus, with kept funnels sampled as epsilon") {
  const testing::Corpus corpus;
  if (corpus.folder.empty()) return;
  int rewritten = 0;
  corpus.each([&](const std::string&, testing::BoundModel& model) {
    const FactorGraph declared = model.graph;
    PlanOptions options;
    options.reparam = "auto";
    const Marginal marginal = marginalize(model.graph, options);
    if (!marginal.eliminated.empty()) {
      const CertificateResult result = certify(model.graph, marginal, 1, 32);
      CAPTURE(result.worst);
      CHECK(result.ok);
    }
    if (model.graph.noncentred.empty()) return;
    ++rewritten;
    const CertificateResult result = certify_noncentred(declared, model.graph, 1);
    CAPTURE(result.worst);
    CHECK(result.ok);
  });
  CHECK(rewritten >= 5);
}
