# Smallest bulk ESS per CPU second of rstan on the programs given, five seeds each; compilation is not counted. Called by bench_schools.py:
#   Rscript bench_schools.R DATA.json CENTRED.stan NONCENTRED.stan
suppressPackageStartupMessages({library(rstan); library(posterior); library(jsonlite)})
arguments <- commandArgs(trailingOnly = TRUE)
data <- fromJSON(arguments[1])
rate <- function(model, seed) {
  fit <- sampling(model, data = data, chains = 4, iter = 2000, warmup = 1000, seed = seed, cores = 1, refresh = 0, show_messages = FALSE)
  draws <- as.array(fit)  # iterations, chains, columns
  least <- min(apply(draws, 3, function(x) ess_bulk(x)), na.rm = TRUE)
  least / sum(get_elapsed_time(fit))
}
out <- list()
for (i in 2:3) {
  model <- stan_model(arguments[i], boost_lib = file.path("", "usr", "include"))
  out[[c("centred", "non-centred")[i - 1]]] <- sapply(1:5, function(seed) rate(model, seed))
}
cat(toJSON(out, digits = 10), "\n")
