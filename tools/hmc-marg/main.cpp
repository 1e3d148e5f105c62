// hmc-marg: HMC on exactly, automatically marginalised Bayesian models. See man/hmc-marg.1.
#include "cli/tool.h"
#include "hmc-marg/compare_command.h"
#include "hmc-marg/demo_command.h"
#include "hmc-marg/exact_command.h"
#include "hmc-marg/explain_command.h"
#include "hmc-marg/grad_command.h"
#include "hmc-marg/graph_command.h"
#include "hmc-marg/sample_command.h"
#include "hmc-marg/summary_command.h"
#include "hmc-marg/verify_command.h"

int main(int argc, char** argv) {
  using namespace tenfold;
  using namespace tenfold::hmc_marg;
  return cli::tool_main(
      argc, argv,
      {.name = "hmc-marg",
       .summary = "sample Stan programs by HMC after integrating out, exactly, what can be",
       .subcommands = {
           cli::subcommand<SampleOptions>(
               "sample", "draw from the posterior", sample,
               {.run_directory = true,
                .resumable = true,
                .random = true,
                .threads = true,
                .examples = {"hmc-marg sample sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json -o "
                             "build/schools",
                             "hmc-marg sample sample_data/hmc-marg/sleepstudy.stan --data sample_data/hmc-marg/sleepstudy.json "
                             "--keep sigma --chains 2 -o build/sleep",
                             "hmc-marg sample --marginalize none --draws 500 --seed 7 -o build/plain"},
                .description = "Finds the parameters that can be integrated out in closed form, proves at random points that "
                               "marginal, conditional and program "
                               "agree, runs NUTS on the others, and draws the integrated ones from their exact conditional. "
                               "chains/chain-K.csv is what CmdStan "
                               "would have written for the program as it stands."}),
           cli::subcommand<ExplainOptions>(
               "explain", "what is integrated out, what not, and why", explain,
               {.random = true,
                .examples = {"hmc-marg explain sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json",
                             "hmc-marg explain sample_data/hmc-marg/sleepstudy.stan --data sample_data/hmc-marg/sleepstudy.json "
                             "--keep intercept",
                             "hmc-marg explain sample_data/hmc-marg/sleepstudy_brms.stan --data "
                             "sample_data/hmc-marg/sleepstudy_brms.json --plan race",
                             "hmc-marg explain --marginalize none --reparam auto"},
                .description = "A line a parameter: the rule that integrates it out, or the reason that it is sampled, with "
                               "source lines; then the predicted cost of a "
                               "gradient, and the other plans that were considered."}),
           cli::subcommand<GradOptions>(
               "grad", "the log density and its gradient at a point", grad,
               {.random = true,
                .examples =
                    {"hmc-marg grad sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json --propto on",
                     "hmc-marg grad --marginal --fd --columns"},
                .description = "With --propto on the value is CmdStan's lp__."}),
           cli::subcommand<GraphOptions>(
               "graph", "the factor graph of program and data", graph,
               {.random = true,
                .product = "application/json",
                .examples = {"hmc-marg graph sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json",
                             "hmc-marg graph --as dot"}}),
           cli::subcommand<VerifyOptions>(
               "verify", "check the elimination on a model", verify,
               {.random = true,
                .examples = {"hmc-marg verify sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json",
                             "hmc-marg verify sample_data/hmc-marg/sleepstudy_brms.stan --data "
                             "sample_data/hmc-marg/sleepstudy_brms.json",
                             "hmc-marg verify sample_data/hmc-marg/hpp.stan --data sample_data/hmc-marg/rats71.json --oracle "
                             "torch"},
                .description = "Certificate, central differences, the plain interpreter, compression on and off, moments of "
                               "recovered draws, and autograd in LibTorch. Exit code 1 if one does not hold."}),
           cli::subcommand<ExactCommandOptions>(
               "exact", "the posterior by quadrature, and the grade of a run", exact,
               {.random = true,
                .threads = true,
                .examples = {"hmc-marg exact sample_data/hmc-marg/dyestuff.stan --data sample_data/hmc-marg/dyestuff.json",
                             "hmc-marg exact"},
                .description = "Where at most three dimensions are left to sample: means, deviations, quantiles and the evidence "
                               "without Monte Carlo error. With "
                               "--against RUN every figure of a run's chains gets its z-score."}),
           cli::subcommand<CompareOptions>(
               "compare", "variants of a model over seeds, and what integrating out gained", compare,
               {.run_directory = true,
                .resumable = true,
                .random = true,
                .threads = true,
                .examples =
                    {"hmc-marg compare sample_data/hmc-marg/schools.stan --data sample_data/hmc-marg/schools.json --seeds 2 "
                     "--warmup 200 --draws 200 -o build/compare",
                     "hmc-marg compare --suite paper --seeds 2 -o build/paper"},
                .description =
                    "Runs the program as it stands (none), in its non-centred form (reparam) and integrated out by the "
                    "planner (auto), paired by seed: "
                    "smallest effective sample size per CPU second and per gradient, divergences, ratios with intervals. "
                    "--suite paper runs the programs of the paper and says whether its claim holds."}),
           cli::subcommand<SummaryOptions>(
               "summary", "mean, quantiles, R-hat and effective sample sizes of chain files", summary,
               {.threads = true,
                .examples = {"hmc-marg summary sample_data/hmc-marg/chain-1.csv sample_data/hmc-marg/chain-2.csv"},
                .description = "Takes any chain files in CmdStan's dialect; figures as the R package posterior gives them."}),
           cli::subcommand<DemoOptions>(
               "demo", "three hierarchical models, as they stand and marginalised: what that gained, graded by quadrature", demo,
               {.run_directory = true, .random = true, .threads = true, .examples = {"hmc-marg demo -o build/demo/hmc-marg"}}),
       }});
}
