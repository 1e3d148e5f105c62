// NAME.mtg.json of any bytes with the weights of a small network: a graph that holds together, whose shapes are found or refused,
// and that is written and read again as the same; or an Error of input.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl/model.h"
#include "mtl/shapes.h"

namespace {

tenfold::mtl::Tensor tensor(tenfold::mtl::Shape shape) {
  tenfold::mtl::Tensor out;
  out.shape = std::move(shape);
  out.values.assign(static_cast<std::size_t>(tenfold::mtl::elements(out.shape)), 0.5f);
  return out;
}

tenfold::mtl::Weights weights() {
  return {{"a.weight", tensor({4, 3, 3, 3})},
          {"a.bias", tensor({4})},
          {"b.weight", tensor({4, 1, 3, 3})},
          {"c.weight", tensor({5, 4, 1, 1})},
          {"l.weight", tensor({2, 4})},
          {"n.weight", tensor({4})},
          {"n.bias", tensor({4})},
          {"n.mean", tensor({4})},
          {"n.var", tensor({4})},
          {"s", tensor({4, 1, 1})},
          {"t.weight", tensor({4, 2, 2, 2})}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenfold;
  try {
    const mtl::Model model = mtl::parse_mtg({reinterpret_cast<const char*>(data), size}, "fuzz.mtg.json", weights());
    const std::string written = mtl::mtg_json(model);
    if (mtl::mtg_json(mtl::parse_mtg(written, "again.mtg.json", weights())) != written) std::abort();
    mtl::infer_shapes(model, {1, 3, 32, 40});
    mtl::cost(model, 32, 40);
  } catch (const Error& error) {
    if (error.message().starts_with("again")) std::abort();
    if (error.exit_code() == ExitCode::machine) std::abort();
  }
  return 0;
}
