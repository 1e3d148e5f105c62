# Log densities of SciPy at fixed points, and tail probabilities: densities.json holds what it answered.
#   scripts/parity densities
import json
import os

import numpy as np
from scipy import stats

cases = []


def add(family, x, value, lower=None, upper=None):
    cases.append({"family": family, "x": [float(v) for v in x], "log_density": float(value),
                  "log_cdf": None if lower is None else float(lower), "log_ccdf": None if upper is None else float(upper)})


def continuous(family, x, d):
    add(family, x, d.logpdf(x[0]), d.logcdf(x[0]), d.logsf(x[0]))


def discrete(family, x, d):
    add(family, x, d.logpmf(x[0]), d.logcdf(x[0]), d.logsf(x[0]))


for y in (-3.1, 0.4, 7.0):
    continuous("normal", (y, 0.5, 2.0), stats.norm(0.5, 2.0))
    continuous("student_t", (y, 3.5, 0.5, 2.0), stats.t(3.5, 0.5, 2.0))
    continuous("student_t", (y, 250.0, 0.5, 2.0), stats.t(250.0, 0.5, 2.0))
    continuous("cauchy", (y, 0.5, 2.0), stats.cauchy(0.5, 2.0))
    continuous("double_exponential", (y, 0.5, 2.0), stats.laplace(0.5, 2.0))
    continuous("logistic", (y, 0.5, 2.0), stats.logistic(0.5, 2.0))
for y in (0.02, 0.7, 6.0):
    continuous("lognormal", (y, 0.3, 1.2), stats.lognorm(1.2, scale=np.exp(0.3)))
    continuous("gamma", (y, 2.3, 0.7), stats.gamma(2.3, scale=1 / 0.7))
    continuous("gamma", (y, 0.3, 5.0), stats.gamma(0.3, scale=1 / 5.0))
    continuous("inv_gamma", (y, 2.3, 0.7), stats.invgamma(2.3, scale=0.7))
    continuous("exponential", (y, 1.7), stats.expon(scale=1 / 1.7))
    continuous("weibull", (y, 1.4, 2.2), stats.weibull_min(1.4, scale=2.2))
    continuous("chi_square", (y, 3.3), stats.chi2(3.3))
    continuous("inv_chi_square", (y, 3.3), stats.invgamma(3.3 / 2, scale=0.5))
    continuous("scaled_inv_chi_square", (y, 3.3, 0.8), stats.invgamma(3.3 / 2, scale=3.3 * 0.8**2 / 2))
for y in (0.03, 0.5, 0.98):
    continuous("beta", (y, 2.2, 0.6), stats.beta(2.2, 0.6))
    continuous("uniform", (y, -1.0, 2.0), stats.uniform(-1.0, 3.0))
for y in (1.3, 40.0):
    continuous("pareto", (y, 1.2, 1.5), stats.pareto(1.5, scale=1.2))
for y in (0, 3, 40):
    discrete("poisson", (y, 7.5), stats.poisson(7.5))
    add("poisson_log", (y, np.log(7.5)), stats.poisson(7.5).logpmf(y))
    discrete("neg_binomial", (y, 3.7, 0.4), stats.nbinom(3.7, 0.4 / 1.4))
    discrete("neg_binomial_2", (y, 6.0, 2.5), stats.nbinom(2.5, 2.5 / 8.5))
    add("neg_binomial_2_log", (y, np.log(6.0), 2.5), stats.nbinom(2.5, 2.5 / 8.5).logpmf(y))
for y in (0, 5, 17):
    discrete("binomial", (y, 17, 0.23), stats.binom(17, 0.23))
    add("binomial_logit", (y, 17, np.log(0.23 / 0.77)), stats.binom(17, 0.23).logpmf(y))
    add("beta_binomial", (y, 17, 1.8, 4.1), stats.betabinom(17, 1.8, 4.1).logpmf(y))
    add("beta_binomial", (y, 17, 0.05, 0.2), stats.betabinom(17, 0.05, 0.2).logpmf(y))
for y in (0, 1):
    discrete("bernoulli", (y, 0.3), stats.bernoulli(0.3))
    add("bernoulli_logit", (y, np.log(0.3 / 0.7)), stats.bernoulli(0.3).logpmf(y))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "densities.json"), "w") as out:
    json.dump(cases, out, indent=0)
