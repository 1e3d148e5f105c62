# Golden values of the MCMC diagnostics: what the R package posterior says about draws that arithmetic alone makes.
# tests/stats/mcmc_test.cpp makes the same draws, bit for bit. Writes posterior.json beside itself.
suppressPackageStartupMessages(library(posterior))

# Park and Miller's generator (1988): products stay below 2^53, so doubles hold them exactly.
state <- 1
uniform <- function() {
  state <<- (state * 16807) %% 2147483647
  state / 2147483647
}

# x[i, c] = a x[i - 1, c] + scale[c] (u - 1/2) + shift[c]
autoregressive <- function(n, chains, a, shift = rep(0, chains), scale = rep(1, chains)) {
  x <- matrix(0, n, chains)
  for (c in seq_len(chains)) {
    before <- 0
    for (i in seq_len(n)) {
      before <- a * before + scale[c] * (uniform() - 0.5) + shift[c]
      x[i, c] <- before
    }
  }
  x
}
mapped <- function(x, f) { x[] <- vapply(x, f, 0); x }

cases <- list(
  independent = function() autoregressive(1000, 4, 0),
  correlated = function() autoregressive(1000, 4, 0.7),
  sticky = function() autoregressive(1000, 4, 0.99),
  antithetic = function() autoregressive(400, 4, -0.8),
  capped = function() autoregressive(400, 4, -0.98),
  odd = function() autoregressive(501, 4, 0.5),
  odd_single = function() autoregressive(333, 1, 0.3),
  single = function() autoregressive(800, 1, 0.5),
  two_chains = function() autoregressive(250, 2, 0.9),
  shifted = function() autoregressive(300, 4, 0.2, shift = c(0, 0, 0.25, 0.5)),
  scaled = function() autoregressive(300, 4, 0.2, scale = c(1, 1, 3, 9)),
  ties = function() mapped(autoregressive(600, 3, 0), function(x) floor(5 * (x + 0.5))),
  binary = function() mapped(autoregressive(600, 3, 0), function(x) if (x < -0.48) 0 else 1),
  heavy = function() mapped(autoregressive(700, 4, 0), function(x) x / ((0.5 - x) * (0.5 + x))),
  far = function() mapped(autoregressive(500, 4, 0.6), function(x) 1e6 + x),
  tiny = function() mapped(autoregressive(500, 4, 0.6), function(x) 1e-20 * x),
  short7 = function() autoregressive(7, 2, 0.3),
  short9 = function() autoregressive(9, 4, 0.3),
  short12 = function() autoregressive(12, 4, 0.3),
  short30 = function() autoregressive(30, 4, 0.9),
  constant = function() matrix(0.1, 100, 4),
  nan = function() { x <- autoregressive(100, 4, 0.1); x[50, 2] <- NaN; x }
)

number <- function(value) if (is.na(value)) "null" else if (is.infinite(value)) "\"Inf\"" else sprintf("%.17g", value)

figures <- function(x) {
  quantiles <- if (anyNA(x)) rep(NA_real_, 3) else quantile(x, c(0.05, 0.5, 0.95), names = FALSE)
  c(first = x[1], last = x[length(x)], mean = mean(x), sd = sd(x), q5 = quantiles[1], q50 = quantiles[2], q95 = quantiles[3],
    rhat = rhat(x), ess_bulk = ess_bulk(x), ess_tail = ess_tail(x), ess_mean = ess_mean(x),
    ess_basic = ess_basic(x, split = FALSE), ess_q10 = ess_quantile(x, 0.1, names = FALSE), mcse_mean = mcse_mean(x),
    mcse_sd = mcse_sd(x), mcse_q5 = mcse_quantile(x, 0.05, names = FALSE), mcse_q50 = mcse_quantile(x, 0.5, names = FALSE),
    mcse_q95 = mcse_quantile(x, 0.95, names = FALSE))
}

script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
sink(file.path(dirname(script), "posterior.json"))
cat("{\n \"source\": \"posterior ", as.character(packageVersion("posterior")), ", R ", as.character(getRversion()), "\",\n", sep = "")
cat(" \"cases\": {\n")
for (k in seq_along(cases)) {
  x <- suppressWarnings(cases[[k]]())
  values <- suppressWarnings(figures(x))
  pairs <- sprintf("\"%s\": %s", names(values), vapply(values, number, ""))
  cat("  \"", names(cases)[k], "\": {\"iterations\": ", nrow(x), ", \"chains\": ", ncol(x), ",\n    ",
      paste(pairs, collapse = ",\n    "), "}", if (k < length(cases)) "," else "", "\n", sep = "")
}
cat(" }\n}\n")
