# Posteriors of two of our sample programs by quadrature in SciPy: dense multivariate normals with the hierarchical parameters
# integrated out, adaptive quadrature or composite Gauss-Legendre rules over the rest. Shares nothing with the program's lattice.
#   scripts/parity exact
import json
import os

import numpy as np
from scipy import integrate, linalg, optimize, stats

here = os.path.dirname(os.path.abspath(__file__))
data_dir = os.path.join(here, "..", "..", "..", "sample_data", "hmc-marg")
levels = (0.05, 0.5, 0.95)


def gauss(low, high, panels, order=20):
    """Nodes and weights of a composite Gauss-Legendre rule."""
    x, w = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(low, high, panels + 1)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    return (middle[:, None] + half[:, None] * x).ravel(), (half[:, None] * w).ravel()


def mixture(weight, mean, sd):
    """Mean, deviation and quantiles of a normal mixture."""
    weight = weight / weight.sum()
    m = weight @ mean
    s = np.sqrt(weight @ (sd**2 + (mean - m) ** 2))
    quantiles = [optimize.brentq(lambda x: weight @ stats.norm.cdf((x - mean) / sd) - p, m - 12 * s, m + 12 * s, xtol=1e-14 * s, rtol=8.9e-16) for p in levels]
    return [m, s, *quantiles]


def of_axis(density, low, high):
    """Mean, deviation and quantiles of a density on an interval, by adaptive quadrature."""
    points = np.linspace(low, high, 60)

    def part(f, a, b):
        edges = np.concatenate([[a], points[(points > a) & (points < b)], [b]])
        return sum(integrate.quad(f, u, v, epsabs=0, epsrel=1e-13, limit=200)[0] for u, v in zip(edges[:-1], edges[1:]))

    total = part(density, low, high)
    mean = part(lambda x: x * density(x), low, high) / total
    sd = np.sqrt(part(lambda x: (x - mean) ** 2 * density(x), low, high) / total)
    quantiles = [optimize.brentq(lambda x: part(density, low, x) / total - p, low, high, xtol=1e-14, rtol=1e-14) for p in levels]
    return [mean, sd, *quantiles]


def conditional(prior_mean, prior_covariance, design, variance, y):
    """log N(y), and mean and covariance of z given y: z ~ N(prior), y ~ N(design z, variance)."""
    covariance = design @ prior_covariance @ design.T + np.diag(variance)
    factor = linalg.cho_factor(covariance, lower=True)
    residual = y - design @ prior_mean
    gain = linalg.cho_solve(factor, design @ prior_covariance).T
    log_density = -0.5 * residual @ linalg.cho_solve(factor, residual) - np.log(np.diag(factor[0])).sum() - 0.5 * len(y) * np.log(2 * np.pi)
    return log_density, prior_mean + gain @ residual, prior_covariance - gain @ design @ prior_covariance


def schools():
    with open(os.path.join(data_dir, "schools.json")) as file:
        data = json.load(file)
    y, sigma = np.array(data["y"], float), np.array(data["sigma"], float)
    j = len(y)

    def at(log_tau):
        tau = np.exp(log_tau)
        # z = (mu, theta)
        prior = np.full((j + 1, j + 1), 25.0)
        prior[1:, 1:] += tau**2 * np.eye(j)
        log_density, mean, covariance = conditional(np.zeros(j + 1), prior, np.eye(j + 1)[1:], sigma**2, y)
        return log_density + stats.cauchy.logpdf(tau, 0, 5) + log_tau, mean, np.sqrt(np.diag(covariance))

    low, high = -36.0, 7.5
    peak = at(1.0)[0]
    nodes, weights = gauss(low, high, 120)
    values = [at(q) for q in nodes]
    weight = weights * np.exp([v[0] - peak for v in values])
    out = {"log_evidence": peak + np.log(weight.sum()), "log_evidence_normalised": peak + np.log(weight.sum()) + np.log(2.0)}
    density = lambda q: np.exp(at(q)[0] - peak)
    log_tau = of_axis(density, low, high)
    tau = np.exp(nodes)
    mean = weight @ tau / weight.sum()
    sd = np.sqrt(weight @ (tau - mean) ** 2 / weight.sum())
    quantities = {"mu": mixture(weight, *(np.array([v[k][0] for v in values]) for k in (1, 2))), "tau": [mean, sd, *np.exp(log_tau[2:])]}
    for i in range(j):
        quantities[f"theta.{i + 1}"] = mixture(weight, *(np.array([v[k][i + 1] for v in values]) for k in (1, 2)))
    quantities["unconstrained tau"] = log_tau
    out["quantities"] = quantities
    return out


def dyestuff():
    with open(os.path.join(data_dir, "dyestuff.json")) as file:
        data = json.load(file)
    y, batch, j = np.array(data["yield"], float), np.array(data["batch"]) - 1, data["J"]
    design = np.column_stack([np.ones(len(y)), np.eye(j)[batch]])

    def at(a, s):
        """a = log sd_batch, s = log sigma"""
        prior = np.diag([100.0**2, *[np.exp(2 * a)] * j])
        log_density, mean, covariance = conditional(np.array([1500.0, *[0.0] * j]), prior, design, np.full(len(y), np.exp(2 * s)), y)
        log_density += stats.norm.logpdf(np.exp(a), 0, 100) + stats.norm.logpdf(np.exp(s), 0, 100) + a + s
        return log_density, mean, np.sqrt(np.diag(covariance))

    peak = at(3.8, 3.9)[0]
    # e^-36 of the peak at the ends: sd_batch may be 0, hence the long lower end.
    (an, aw), (sn, sw) = gauss(-34.0, 7.0, 40), gauss(2.6, 7.0, 10)
    values = [[at(a, s) for s in sn] for a in an]
    weight = np.exp(np.array([[v[0] for v in row] for row in values]) - peak)
    joint = weight * aw[:, None] * sw
    out = {"log_evidence": peak + np.log(joint.sum()), "log_evidence_normalised": peak + np.log(joint.sum()) + np.log(4.0)}
    flat = joint.ravel()
    z = np.array([[v[1] for v in row] for row in values]).reshape(len(flat), -1)
    sd = np.array([[v[2] for v in row] for row in values]).reshape(len(flat), -1)

    def kept(nodes, axis_weights, density):
        """A coordinate and its exponential: its marginal is known at the nodes, quantiles are solved for by integrating an interpolant a panel."""
        w = axis_weights * density
        w = w / w.sum()
        m = w @ nodes
        moments = [m, np.sqrt(w @ (nodes - m) ** 2)]
        x, gw = np.polynomial.legendre.leggauss(20)
        panels = nodes.reshape(-1, 20)
        mass = w.reshape(-1, 20).sum(1)
        quantiles = []
        for p in levels:
            k = int(np.searchsorted(np.cumsum(mass), p))
            rest = p - mass[:k].sum()
            middle, half = (panels[k, 0] + panels[k, -1]) / 2, (panels[k, -1] - panels[k, 0]) / 2 / x[-1]
            series = np.polynomial.legendre.Legendre.fit(x, (w.reshape(-1, 20)[k] / gw), 19, domain=[-1, 1]).integ(lbnd=-1)
            quantiles.append(middle + half * optimize.brentq(lambda t: series(t) - rest, -1, 1, xtol=1e-15, rtol=8.9e-16))
        natural = np.exp(nodes)
        m = w @ natural
        return moments + quantiles, [m, np.sqrt(w @ (natural - m) ** 2), *np.exp(quantiles)]

    log_a, a = kept(an, aw, weight @ sw)
    log_s, s = kept(sn, sw, aw @ weight)
    quantities = {"mean_yield": mixture(flat, z[:, 0], sd[:, 0]), "sd_batch": a}
    for i in range(j):
        quantities[f"of_batch.{i + 1}"] = mixture(flat, z[:, i + 1], sd[:, i + 1])
    quantities["sigma"] = s
    quantities["unconstrained sd_batch"] = log_a
    quantities["unconstrained sigma"] = log_s
    out["quantities"] = quantities
    return out


if __name__ == "__main__":
    answers = {"schools": schools(), "dyestuff": dyestuff()}
    plain = json.loads(json.dumps(answers, default=float))
    with open(os.path.join(here, "exact.json"), "w") as file:
        json.dump(plain, file, indent=1)
        file.write("\n")
