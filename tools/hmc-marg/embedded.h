// The sample models inside the program: what runs when no input is named, what `demo` shows, and the programs of the paper.
#pragma once

#include <string_view>

namespace tenfold::hmc_marg {

struct EmbeddedModel {
  std::string_view name;
  std::string_view program;  // Stan
  std::string_view data;     // JSON; empty where the program comes alone, for data that are not shipped
};

// Throws Error(usage), naming the nearest. The texts are those of sample_data/hmc-marg.
const EmbeddedModel& embedded_model(std::string_view name);

}  // namespace tenfold::hmc_marg
