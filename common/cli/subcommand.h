// A subcommand: a function from its options and the run to a result, with the traits that say which shared options it takes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/option_table.h"
#include "cli/result.h"
#include "cli/run.h"

namespace tenfold::cli {

struct Traits {
  bool run_directory = false;  // -o DIR, --force; log.jsonl, charts, report
  bool resumable = false;      // --resume; the function asks run.resume_from()
  bool random = false;         // --seed
  bool threads = false;        // --threads
  bool threads_in_identity = false;  // results depend on the thread count: a resumed run must keep it
  bool torch = false;          // the whole subcommand needs the LibTorch part: --device
  bool timed = false;          // what it measures is time: of a resumed run weights and digests are equal, curves and charts not
  std::string product = {};    // "text/csv": the output is this, into -o FILE or stdout, and not the envelope
  std::string schema = {};     // name of the schema, if it is not the subcommand's own
  int schema_version = 1;
  std::vector<std::string> examples = {};  // command lines that run from the repository's root
  std::string description = {};            // a paragraph for --help; may be empty
};

// The options of one invocation, bound to their table.
class BoundSubcommand {
 public:
  virtual ~BoundSubcommand() = default;
  virtual Result invoke(Run& run) = 0;

  OptionTable table;
};

struct Subcommand {
  std::string name;  // one word or two ("data info")
  std::string summary;
  Traits traits;
  std::function<std::unique_ptr<BoundSubcommand>()> bind;
};

// Options is a struct with defaults in its members and a free function describe(Options&, OptionTable&) beside it.
template <class Options>
Subcommand subcommand(std::string name, std::string summary, Result (*function)(const Options&, Run&), Traits traits = {}) {
  struct Bound final : BoundSubcommand {
    explicit Bound(Result (*function)(const Options&, Run&)) : function_(function) { describe(options_, table); }
    Result invoke(Run& run) override { return function_(options_, run); }
    Options options_;
    Result (*function_)(const Options&, Run&);
  };
  return {.name = std::move(name), .summary = std::move(summary), .traits = std::move(traits), .bind = [function] {
            return std::make_unique<Bound>(function);
          }};
}

}  // namespace tenfold::cli
