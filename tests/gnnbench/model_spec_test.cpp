// A stored model's configuration: what it says, and what is refused.
#include "gnnbench/model_spec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/refusal.h"
#include "cli/scratch.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

TEST_CASE("best/config.json names the activation, which PyG has to be told; a model of another one is refused") {
  const test::Scratch scratch;
  for (const ModelKind kind : {ModelKind::sage, ModelKind::gcn, ModelKind::gat, ModelKind::mlp}) {
    Json json = model_json({.spec = {.kind = kind}, .features = 3, .classes = 2});
    CHECK(json["activation"] == (kind == ModelKind::gat ? "elu" : "relu"));
    CHECK(parse_model(scratch.file("config.json", json.dump())).spec.kind == kind);
    Json other = json;
    other["activation"] = kind == ModelKind::gat ? "relu" : "elu";
    const std::string file = scratch.file("config.json", other.dump());
    CHECK(test::says(test::refusal([&] { (void)parse_model(file); }), std::string("activation: ") + name_of(kind) + " has "));
    json.erase("activation");  // of versions before it was there
    CHECK(parse_model(scratch.file("config.json", json.dump())).classes == 2);
  }
}
