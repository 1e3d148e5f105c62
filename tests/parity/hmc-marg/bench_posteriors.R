# Smallest bulk ESS per CPU second of rstan on the programs given, a list of seeds each; compilation is not counted. Called by
# bench_posteriors.py: Rscript bench_posteriors.R DATA.json DRAWS SEEDS PROGRAM.stan ... ; prints [[rates of seed 1 ..] of each].
suppressPackageStartupMessages({library(rstan); library(posterior); library(jsonlite)})
arguments <- commandArgs(trailingOnly = TRUE)
data <- fromJSON(arguments[1])
draws_wanted <- as.integer(arguments[2])
seeds <- seq_len(as.integer(arguments[3]))
rate <- function(model, seed) {
  fit <- sampling(model, data = data, chains = 4, iter = 2 * draws_wanted, warmup = draws_wanted, seed = seed, cores = 1, refresh = 0, show_messages = FALSE)
  draws <- as.array(fit)  # iterations, chains, columns
  least <- min(apply(draws, 3, function(x) ess_bulk(x)), na.rm = TRUE)
  least / sum(get_elapsed_time(fit))
}
out <- lapply(arguments[-(1:3)], function(file) {
  model <- stan_model(file, boost_lib = file.path("", "usr", "include"))
  sapply(seeds, function(seed) rate(model, seed))
})
cat(toJSON(out, digits = 10), "\n")
