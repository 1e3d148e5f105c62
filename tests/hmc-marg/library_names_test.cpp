#include "hmc-marg/functions.h"
#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;

TEST_CASE("every function that has a signature has an implementation") {
  const std::vector<std::string> names = library_function_names();
  CHECK(names.size() > 100);
  for (const std::string& name : names) CHECK_MESSAGE(static_cast<bool>(find_library_function(name)), name);
}

TEST_CASE("a name that is no function is not found") {
  CHECK_FALSE(static_cast<bool>(find_library_function("integrate_ode_rk45")));
  CHECK_FALSE(static_cast<bool>(find_library_function("")));
}

TEST_CASE("every density that has a signature is known to the library") {
  // Called without arguments each says how many it takes, or, had it none, that it does not run here.
  for (const std::string& family : density_names()) {
    CallContext context;
    const std::string message = library_values::message_of([&] { apply_density(context, family, {}, {}); });
    CHECK_MESSAGE(message.find("takes") != std::string::npos, family, ": ", message);
  }
}
